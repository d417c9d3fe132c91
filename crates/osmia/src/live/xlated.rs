//! Instructions as the host runs them (`prog dump xlated`), with functions and source lines.

use osmia_btf::{Btf, StrOff, TypeId};
use osmia_isa::{Endian, NoNames, Slot, Spelling, decode, read_slots};
use osmia_program::helper;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::Handle;
use super::dump::bytes_json;
use super::info::{Info, Room};
use super::program::word;
use super::symbols::Symbols;
use super::typed;
use crate::Error;

/// An instruction of a loaded program.
#[derive(Clone, Debug)]
pub struct XlatedInsn {
    /// Its slot.
    pub at: usize,
    /// Its bytes: those of two slots for a long constant.
    pub bytes: Vec<u8>,
    /// Its opcode and what it says, as the kernel spells it.
    pub text: String,
    /// The function that starts here.
    pub proto: Option<String>,
    /// The source line that starts here.
    pub line: Option<SourceLine>,
}

/// Where an instruction came from, with bpftool's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceLine {
    /// The text.
    pub src: String,
    /// The file as the compiler recorded it.
    pub file: String,
    /// The line, from 1.
    pub line_num: u32,
    /// The column, from 1.
    pub line_col: u32,
}

/// The parts of an instruction, with bpftool's keys.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the keys are bpftool's")]
pub struct Opcodes {
    pub code: String,
    pub src_reg: String,
    pub dst_reg: String,
    pub off: Json,
    pub imm: Json,
}

/// A long constant.
const LOAD_IMM64: u8 = 0x18;
/// A call, of a helper or of a function.
const CALL: u8 = 0x85;
/// What source registers mean in long constants.
const MAP_FD: u8 = 1;
const MAP_VALUE: u8 = 2;
const FUNCTION: u8 = 4;
/// What the source register of a call means: a function of the same program.
const OWN_FUNCTION: u8 = 1;

impl Handle {
    /// The bytes of its instructions.
    ///
    /// # Errors
    /// If the host does not show them.
    pub fn xlated_bytes(&self) -> Result<Vec<u8>, Error> {
        let info = self.info()?;
        let bytes = info.u32("xlated_prog_len");
        let mut rooms = [Room::new("xlated_prog_insns", "xlated_prog_len", bytes, 1)];
        let told = self.info_with(&mut rooms);
        told.map_err(|errno| self.refused("instructions", errno))?;
        let [room] = rooms;
        Ok(room.bytes)
    }

    /// Its instructions.
    ///
    /// # Errors
    /// If the host does not show them.
    pub fn xlated(&self) -> Result<Vec<XlatedInsn>, Error> {
        let info = self.info()?;
        let slots = read_slots(&self.xlated_bytes()?, Endian::NATIVE).unwrap_or_default();
        let types = match info.u32("btf_id") {
            0 => None,
            id => Some(self.live().btf(id)?),
        };
        let (functions, lines) = match &types {
            Some(_) => (self.functions(&info)?, self.lines(&info)?),
            None => Default::default(),
        };
        let symbols = match self.live().is_kernel() {
            true => Symbols::of_kernel(),
            false => Symbols::default(),
        };
        let names = Calls {
            ksyms: self
                .list(&info, "jited_ksyms", "nr_jited_ksyms", 8)?
                .numbers(),
            symbols,
            is_kernel: self.live().is_kernel(),
        };
        let mut insns = Vec::new();
        let mut at = 0;
        while at < slots.len() {
            let width = if slots[at].code == LOAD_IMM64 { 2 } else { 1 };
            let here = &slots[at..(at + width).min(slots.len())];
            let function = functions.iter().find(|(start, _)| *start as usize == at);
            let line = lines.iter().find(|line| word(line, 0) as usize == at);
            let types = types.as_deref();
            insns.push(XlatedInsn {
                at,
                bytes: here
                    .iter()
                    .flat_map(|slot| slot.to_bytes(Endian::NATIVE))
                    .collect(),
                text: format!("({:02x}) {}", here[0].code, spell(&slots, at, &names)),
                proto: types
                    .zip(function)
                    .and_then(|(types, (_, id))| typed::function(types, TypeId(*id))),
                line: types
                    .zip(line)
                    .map(|(types, line)| source_line(types, line)),
            });
            at += width;
        }
        Ok(insns)
    }

    fn lines(&self, info: &Info) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.records(info, "line_info", "nr_line_info", "line_info_rec_size")?)
    }
}

fn source_line(types: &Btf, record: &[u8]) -> SourceLine {
    let text = |at| {
        let text = types.string(StrOff(word(record, at))).unwrap_or_default();
        text.to_owned()
    };
    let place = word(record, 12);
    SourceLine {
        src: text(8).trim_start().to_owned(),
        file: text(4),
        line_num: place >> 10,
        line_col: place & 0x3ff,
    }
}

/// What calls are called.
struct Calls {
    /// Addresses of the program's own functions.
    ksyms: Vec<u64>,
    symbols: Symbols,
    is_kernel: bool,
}

impl Calls {
    fn helper(&self, slot: Slot) -> String {
        let known = u32::try_from(slot.imm).ok().and_then(helper::by_id);
        match known {
            Some(helper) if slot.src == 0 => helper.name.to_owned(),
            _ if !self.is_kernel => "kernel-function".to_owned(),
            _ => self.symbols.called(slot.imm),
        }
    }

    fn own(&self, slot: Slot) -> String {
        if self.ksyms.is_empty() {
            return format!(
                "pc{:+}",
                if slot.off == 0 {
                    slot.imm
                } else {
                    slot.off.into()
                }
            );
        }
        let address = usize::try_from(slot.imm)
            .ok()
            .and_then(|at| self.ksyms.get(at));
        let address = address.copied().unwrap_or_default();
        match self.symbols.at(address) {
            Some(name) => format!("pc{:+}#{name}", slot.off),
            None => format!("pc{:+}#{address:#x}", slot.off),
        }
    }
}

/// An instruction as the kernel spells it, with what long constants and calls stand for in a loaded program.
fn spell(slots: &[Slot], at: usize, calls: &Calls) -> String {
    let slot = slots[at];
    match slot.code {
        LOAD_IMM64 => {
            let high = slots.get(at + 1).map_or(0, |second| second.imm);
            let dst = slot.dst;
            match slot.src {
                MAP_FD => format!("r{dst} = map[id:{}]", slot.imm),
                MAP_VALUE => format!("r{dst} = map[id:{}][0]+{high}", slot.imm),
                FUNCTION => format!("r{dst} = subprog[{:+}]", slot.imm),
                _ => {
                    let value = u64::from(slot.imm as u32) | u64::from(high as u32) << 32;
                    format!("r{dst} = {value:#x}")
                }
            }
        }
        CALL if slot.src == OWN_FUNCTION => format!("call {}", calls.own(slot)),
        CALL => format!("call {}#{}", calls.helper(slot), slot.imm),
        _ => match decode(slots, at) {
            Ok(insn) => insn
                .show(at, &NoNames)
                .spelled(Spelling::Kernel)
                .to_string(),
            Err(error) => format!("unknown: {error}"),
        },
    }
}

impl XlatedInsn {
    /// Its parts.
    pub fn opcodes(&self) -> Opcodes {
        let registers = self.bytes[1];
        Opcodes {
            code: format!("{:#04x}", self.bytes[0]),
            src_reg: format!("{:#x}", registers >> 4),
            dst_reg: format!("{:#x}", registers & 0xf),
            off: bytes_json(&self.bytes[2..4]),
            imm: bytes_json(&self.bytes[4..]),
        }
    }

    /// With bpftool's keys: source lines with their places if `linum`, parts if `opcodes`.
    pub fn to_json(&self, opcodes: bool, linum: bool) -> Json {
        let mut object = serde_json::Map::new();
        if let Some(proto) = &self.proto {
            object.insert("proto".to_owned(), proto.as_str().into());
        }
        if let Some(line) = &self.line {
            object.insert("src".to_owned(), line.src.as_str().into());
            if linum {
                object.insert("file".to_owned(), line.file.as_str().into());
                let places = [("line_num", line.line_num), ("line_col", line.line_col)];
                for (key, place) in places.into_iter().filter(|(_, place)| *place != 0) {
                    object.insert(key.to_owned(), place.into());
                }
            }
        }
        object.insert("disasm".to_owned(), self.text.as_str().into());
        if opcodes {
            object.insert("opcodes".to_owned(), json!(self.opcodes()));
        }
        Json::Object(object)
    }
}
