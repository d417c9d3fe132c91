//! x86-64 machine code as text.

use std::fmt::Write as _;

use iced_x86::{
    Decoder, DecoderOptions, Formatter, FormatterTextKind, Instruction, NasmFormatter, OpKind,
    Register, SymbolResolver, SymbolResult,
};

use super::Disassembler;
use super::names::Names;

pub(super) struct Nasm(NasmFormatter);

impl Nasm {
    pub(super) fn new(names: Names) -> Self {
        let mut formatter = NasmFormatter::with_options(Some(Box::new(names)), None);
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_small_hex_numbers_in_decimal(true);
        options.set_branch_leading_zeros(false);
        options.set_show_branch_size(false);
        options.set_space_after_operand_separator(true);
        Self(formatter)
    }
}

impl Disassembler for Nasm {
    fn show(&mut self, text: &mut String, bytes: &[u8], start: usize) {
        let mut decoder = Decoder::with_ip(64, bytes, start as u64, DecoderOptions::NONE);
        let mut instruction = Instruction::default();
        while decoder.can_decode() {
            decoder.decode_out(&mut instruction);
            write!(text, "  {:5x}    ", instruction.ip()).expect("strings take all");
            self.0.format(&instruction, text);
            text.push('\n');
        }
    }
}

impl SymbolResolver for Names {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        operand: Option<u32>,
        address: u64,
        _bytes: u32,
    ) -> Option<SymbolResult<'_>> {
        let is_memory =
            operand.is_some_and(|operand| instruction.op_kind(operand) == OpKind::Memory);
        let name = if is_memory && instruction.memory_base() == Register::R12 {
            Names::field(address)?
        } else {
            Names::symbol(self, address)?
        };
        Some(SymbolResult::with_string_kind(
            address,
            name,
            FormatterTextKind::Data,
        ))
    }
}
