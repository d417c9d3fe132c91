//! Classic filters as text: `tcpdump -d` to read, `-ddd` (and `-dd`) to pass on.

use std::fmt::Write;

use osmia_diag::{Diagnostic, Place};

use super::table::{ClassicOp, Operand, ROWS, row};
use super::{Ancillary, ClassicInsn};
use crate::codes;
use crate::limits::{CLASSIC_INSNS_MAX, TEXT_BYTES_MAX};

/// The filter as `tcpdump -d` prints it.
pub fn listing(insns: &[ClassicInsn]) -> String {
    let mut text = String::new();
    for (at, insn) in insns.iter().enumerate() {
        writeln!(text, "{}", line(at, insn)).expect("writing to a string cannot fail");
    }
    text
}

/// The filter as `tcpdump -ddd` prints it: the number of instructions, then four numbers each.
pub fn listing_numbers(insns: &[ClassicInsn]) -> String {
    let mut text = format!("{}\n", insns.len());
    for ClassicInsn { code, jt, jf, k } in insns {
        writeln!(text, "{code} {jt} {jf} {k}").expect("writing to a string cannot fail");
    }
    text
}

fn line(at: usize, insn: &ClassicInsn) -> String {
    let k = insn.k;
    let Some(row) = row(insn.code) else {
        return format!("({at:03}) unimp    {:#x}", insn.code);
    };
    let signed = k as i32;
    let target = |distance: u32| at as u64 + 1 + u64::from(distance);
    let operand = match row.operand {
        Operand::None => String::new(),
        Operand::Len => "#pktlen".to_owned(),
        Operand::Decimal => format!("#{signed}"),
        Operand::Hex => format!("#{k:#x}"),
        Operand::X => "x".to_owned(),
        Operand::Abs => match Ancillary::name_at(k) {
            Some(name) => format!("[{name}]"),
            None => format!("[{signed}]"),
        },
        Operand::Ind => format!("[x + {signed}]"),
        Operand::Mem => format!("M[{signed}]"),
        Operand::Msh => format!("4*([{signed}]&0xf)"),
        Operand::Target => target(k).to_string(),
    };
    let mnemonic = row.mnemonic;
    if let ClassicOp::JumpIf(..) = row.op {
        let (jt, jf) = (target(insn.jt.into()), target(insn.jf.into()));
        return format!("({at:03}) {mnemonic:<8} {operand:<16} jt {jt}\tjf {jf}");
    }
    let text = format!("({at:03}) {mnemonic:<8} {operand}");
    text.trim_end().to_owned()
}

/// A line that is no instruction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ClassicTextError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: String,
}

impl ClassicTextError {
    /// For people; `source` names the text.
    pub fn to_diagnostic(&self, source: &str) -> Diagnostic {
        Diagnostic::error(codes::SYNTAX, self.reason.clone())
            .at(Place::none().source(source, self.line, 1))
            .note("a filter is what `tcpdump -d`, `-dd` or `-ddd` prints")
    }
}

/// Reads what `tcpdump -d`, `-dd` or `-ddd` prints; in the first, instruction numbers in brackets
/// may be left out.
///
/// # Errors
/// The first line that is none of the three.
pub fn assemble(text: &str) -> Result<Vec<ClassicInsn>, ClassicTextError> {
    if text.len() > TEXT_BYTES_MAX {
        let reason = format!("the text is longer than {TEXT_BYTES_MAX} bytes (TEXT_BYTES_MAX)");
        return Err(ClassicTextError { line: 1, reason });
    }
    let mut insns = Vec::new();
    let mut announced = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let fail = |reason| ClassicTextError {
            line: number,
            reason,
        };
        if trimmed.is_empty() {
            continue;
        }
        let numbers = numbers(trimmed);
        match numbers.as_deref() {
            Some([count]) if insns.is_empty() && announced.is_none() => {
                announced = Some((*count, number));
                continue;
            }
            Some([code, jt, jf, k]) => {
                insns.push(raw(*code, *jt, *jf, *k).map_err(fail)?);
            }
            Some(_) => {
                return Err(fail("expected four numbers: code, jt, jf and k".to_owned()));
            }
            None => insns.push(mnemonic_line(insns.len(), trimmed).map_err(fail)?),
        }
        if insns.len() > CLASSIC_INSNS_MAX {
            let reason = format!("more than {CLASSIC_INSNS_MAX} instructions (CLASSIC_INSNS_MAX)");
            return Err(fail(reason));
        }
    }
    match announced {
        Some((count, line)) if count != insns.len() as u64 => Err(ClassicTextError {
            line,
            reason: format!("{count} instructions announced, {} follow", insns.len()),
        }),
        _ => Ok(insns),
    }
}

/// The numbers of a `-dd` or `-ddd` line, if it is one.
fn numbers(line: &str) -> Option<Vec<u64>> {
    let bare = line.trim_end_matches(',');
    let (bare, braced) = match bare.strip_prefix('{').and_then(|l| l.strip_suffix('}')) {
        Some(inner) => (inner, true),
        None => (bare, false),
    };
    let words: Vec<&str> = if braced {
        bare.split(',').collect()
    } else {
        bare.split_whitespace().collect()
    };
    words
        .into_iter()
        .map(|word| unsigned(word.trim()))
        .collect()
}

fn unsigned(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

fn raw(code: u64, jt: u64, jf: u64, k: u64) -> Result<ClassicInsn, String> {
    let insn = || {
        Some(ClassicInsn {
            code: code.try_into().ok()?,
            jt: jt.try_into().ok()?,
            jf: jf.try_into().ok()?,
            k: k.try_into().ok()?,
        })
    };
    insn().ok_or_else(|| "a number is too large: code has 16 bits, jt and jf 8, k 32".to_owned())
}

/// `(000) jeq #0x800 jt 2 jf 5`
fn mnemonic_line(at: usize, line: &str) -> Result<ClassicInsn, String> {
    let mut rest = line;
    if let Some(numbered) = line.strip_prefix('(') {
        let Some((says, after)) = numbered.split_once(')') else {
            return Err("expected `)` after the instruction's number".to_owned());
        };
        if says.trim().parse() != Ok(at) {
            return Err(format!("this is instruction {at}, not ({says})"));
        }
        rest = after.trim_start();
    }
    let (mnemonic, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (operand, jumps) = match rest.find("jt ") {
        Some(jumps) => (&rest[..jumps], Some(&rest[jumps..])),
        None => (rest, None),
    };
    let operand: String = operand.chars().filter(|c| !c.is_whitespace()).collect();
    if !ROWS.iter().any(|row| row.mnemonic == mnemonic) {
        return Err(format!("unknown instruction `{mnemonic}`"));
    }
    let found = ROWS
        .iter()
        .filter(|row| row.mnemonic == mnemonic)
        .find_map(|row| Some((row, value(row.operand, &operand, at)?)));
    let Some((row, k)) = found else {
        return Err(format!("`{mnemonic}` cannot have the operand `{operand}`"));
    };
    let conditional = matches!(row.op, ClassicOp::JumpIf(..));
    let (jt, jf) = match (conditional, jumps) {
        (false, None) => (0, 0),
        (true, Some(jumps)) => targets(jumps, at)?,
        (true, None) => return Err("expected `jt` and `jf`, the numbers of instructions".into()),
        (false, Some(_)) => return Err(format!("`{mnemonic}` does not take `jt` and `jf`")),
    };
    Ok(ClassicInsn {
        code: row.code,
        jt,
        jf,
        k,
    })
}

/// `k`, if the text is an operand of this kind.
fn value(operand: Operand, text: &str, at: usize) -> Option<u32> {
    let inside = |prefix: &str, suffix: &str| {
        let inner = text.strip_prefix(prefix)?.strip_suffix(suffix)?;
        number(inner)
    };
    match operand {
        Operand::None => matches!(text, "" | "a").then_some(0),
        Operand::Len => (text == "#pktlen").then_some(0),
        Operand::Decimal | Operand::Hex => inside("#", ""),
        Operand::X => (text == "x").then_some(0),
        Operand::Abs => inside("[", "]").or_else(|| {
            let name = text.strip_prefix('[')?.strip_suffix(']')?;
            Ancillary::offset_of(name)
        }),
        Operand::Ind => inside("[x+", "]"),
        Operand::Mem => inside("M[", "]"),
        Operand::Msh => inside("4*([", "]&0xf)"),
        Operand::Target => {
            let distance = unsigned(text)?.checked_sub(at as u64 + 1)?;
            u32::try_from(distance).ok()
        }
    }
}

/// A 32-bit number, signed or not.
fn number(text: &str) -> Option<u32> {
    if let Some(digits) = text.strip_prefix('-') {
        let magnitude = i64::try_from(unsigned(digits)?).ok()?;
        return i32::try_from(-magnitude).ok().map(|k| k as u32);
    }
    u32::try_from(unsigned(text)?).ok()
}

/// `jt 2 jf 5`, as distances.
fn targets(text: &str, at: usize) -> Result<(u8, u8), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["jt", jt, "jf", jf] = words[..] else {
        return Err("expected `jt N jf N`".to_owned());
    };
    let distance = |word: &str| {
        let distance = unsigned(word).and_then(|target| target.checked_sub(at as u64 + 1));
        distance
            .and_then(|distance| u8::try_from(distance).ok())
            .ok_or_else(|| {
                format!(
                    "cannot jump from {at} to {word}: jumps go to one of the next 256 instructions"
                )
            })
    };
    Ok((distance(jt)?, distance(jf)?))
}
