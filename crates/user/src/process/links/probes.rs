//! Links to many functions, or many places of a file, at once (`bpf_kprobe_multi_link_attach`,
//! `bpf_uprobe_multi_link_attach` of Linux 6.18).

use std::sync::Arc;

use osmia_program::{AttachKind, Errno};
use osmia_vm::Code;

use super::Process;
use crate::bpf::{KprobeMulti, LinkCreate, LinkDetail, LinkInfoDetail, UprobeMulti};
use crate::limits::{MULTI_PROBES_MAX, PATH_BYTES_MAX, SYMBOL_BYTES_MAX};
use crate::link::{Link, LinkTarget};
use crate::object::ProgramRecord;
use crate::process::bytes::read;

/// `BPF_F_KPROBE_MULTI_RETURN`, `BPF_F_UPROBE_MULTI_RETURN`.
const RETURN: u32 = 1;

impl Process {
    pub(super) fn link_to_kprobes(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        let none = KprobeMulti::default();
        let probes = match &asked.detail {
            LinkDetail::KprobeMulti(probes) => probes,
            _ => &none,
        };
        let expected = [AttachKind::TraceKprobeMulti, AttachKind::TraceKprobeSession];
        if asked.flags != 0
            || !is_for(&program, &expected)
            || probes.flags & !RETURN != 0
            || probes.addrs.is_some() == probes.symbols.is_some()
        {
            return Err(Errno::EINVAL);
        }
        let count = count_of(probes.count)?;
        let cookies = optional_numbers(probes.cookies, count)?;
        let addrs = match &probes.symbols {
            Some(symbols) => self.addresses(symbols, count)?,
            None => numbers(probes.addrs, count)?,
        };
        if !addrs.iter().all(|&addr| self.kernel.is_function(addr)) {
            return Err(Errno::EINVAL);
        }
        // They are kept in the order of addresses, cookies with them.
        let cookies = cookies.unwrap_or_else(|| vec![0; count]);
        let mut pairs: Vec<_> = addrs.into_iter().zip(cookies).collect();
        pairs.sort_by_key(|&(addr, _)| addr);
        let (addrs, cookies) = pairs.into_iter().unzip();
        let detail = LinkInfoDetail::KprobeMulti {
            count: probes.count,
            flags: probes.flags,
            missed: 0,
            addrs,
            cookies,
        };
        self.linked(LinkTarget::Kprobes(detail), Some(program), |_| Ok(()))
    }

    pub(super) fn link_to_uprobes(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        let none = UprobeMulti::default();
        let probes = match &asked.detail {
            LinkDetail::UprobeMulti(probes) => probes,
            _ => &none,
        };
        let expected = [AttachKind::TraceUprobeMulti, AttachKind::TraceUprobeSession];
        if asked.flags != 0
            || !is_for(&program, &expected)
            || probes.flags & !RETURN != 0
            || !probes.has_path
            || probes.offsets.is_none()
            || probes.count == 0
            || (probes.pid as i32) < 0
        {
            return Err(Errno::EINVAL);
        }
        let count = count_of(probes.count)?;
        let path = path(probes.path.ok_or(Errno::EFAULT)?)?;
        if probes.pid != 0 && probes.pid != std::process::id() {
            return Err(Errno::ESRCH);
        }
        let offsets = numbers(probes.offsets, count)?;
        if offsets.iter().any(|&offset| (offset as i64) < 0) {
            return Err(Errno::EINVAL);
        }
        let zeroes = || vec![0; count];
        let ref_ctr_offsets =
            optional_numbers(probes.ref_ctr_offsets, count)?.unwrap_or_else(zeroes);
        let cookies = optional_numbers(probes.cookies, count)?.unwrap_or_else(zeroes);
        let detail = LinkInfoDetail::UprobeMulti {
            path,
            count: probes.count,
            flags: probes.flags,
            pid: probes.pid,
            offsets,
            ref_ctr_offsets,
            cookies,
        };
        self.linked(LinkTarget::Uprobes(detail), Some(program), |_| Ok(()))
    }

    /// Where functions of these names lie; `ESRCH` unless all are there.
    fn addresses(&self, symbols: &[&[u8]], count: usize) -> Result<Vec<u64>, Errno> {
        let symbols = symbols.get(..count).ok_or(Errno::EFAULT)?;
        if symbols.iter().any(|name| name.len() >= SYMBOL_BYTES_MAX) {
            return Err(Errno::E2BIG);
        }
        let address = |name: &&[u8]| {
            let name = std::str::from_utf8(name).ok()?;
            self.kernel.function_address(name)
        };
        let found = symbols.iter().map(|name| address(name).ok_or(Errno::ESRCH));
        found.collect()
    }
}

/// True if a program was loaded for this.
fn is_for(program: &Code, expected: &[AttachKind]) -> bool {
    let attach = ProgramRecord::of(program).about.attach;
    expected.iter().any(|kind| kind.number() == attach)
}

fn count_of(count: u32) -> Result<usize, Errno> {
    match count as usize {
        0 => Err(Errno::EINVAL),
        count if count > MULTI_PROBES_MAX => Err(Errno::E2BIG),
        count => Ok(count),
    }
}

fn numbers(from: Option<&[u8]>, count: usize) -> Result<Vec<u64>, Errno> {
    let (words, _) = read(from, count * size_of::<u64>())?.as_chunks();
    Ok(words.iter().map(|word| u64::from_ne_bytes(*word)).collect())
}

fn optional_numbers(from: Option<&[u8]>, count: usize) -> Result<Option<Vec<u64>>, Errno> {
    from.map(|from| numbers(Some(from), count)).transpose()
}

/// A path of the machine's, of an ordinary file: its code is what is probed.
fn path(given: &[u8]) -> Result<String, Errno> {
    if given.len() >= PATH_BYTES_MAX {
        return Err(Errno::EINVAL);
    }
    let path = std::str::from_utf8(given).map_err(|_| Errno::ENOENT)?;
    let about = std::fs::metadata(path).map_err(|_| Errno::ENOENT)?;
    match about.is_file() {
        true => Ok(path.to_owned()),
        false => Err(Errno::EBADF),
    }
}
