//! The running kernel as a target: its types, configuration, symbols and CPUs.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use flate2::read::GzDecoder;
use osmia_btf::Btf;
use osmia_diag::Diagnostic;
use osmia_isa::Endian;
use osmia_program::{Fault, HostError, Kconfig, KernelVersion, Target};

use crate::{codes, limits};

const BTF: &str = "/sys/kernel/btf/vmlinux";
const RELEASE: &str = "/proc/sys/kernel/osrelease";
const POSSIBLE_CPUS: &str = "/sys/devices/system/cpu/possible";
const SYMBOLS: &str = "/proc/kallsyms";

/// What programs for the running kernel are linked for. Configuration and symbols are left out where the
/// kernel does not show them.
///
/// # Errors
/// If the kernel does not say which release it is, or its types are damaged.
pub fn running_kernel() -> Result<Target, HostError> {
    let release = std::fs::read_to_string(RELEASE).map_err(|error| unknown(RELEASE, &error))?;
    let btf = match std::fs::read(BTF) {
        Err(_) => None,
        Ok(bytes) => Some(Arc::new(
            Btf::parse(bytes, None).map_err(|error| unknown(BTF, &error))?,
        )),
    };
    Ok(Target {
        name: format!("linux {}", release.trim()),
        endian: Endian::NATIVE,
        kernel: version(&release),
        release: None,
        cpus: possible_cpus()?,
        btf,
        module_btfs: Vec::new(),
        kconfig: configuration(release.trim()).map(Arc::new),
        ksyms: Some(Arc::new(symbols())),
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    })
}

fn unknown(path: &str, error: &dyn std::fmt::Display) -> HostError {
    let message = format!("{path} cannot be used: {error}");
    HostError::new(
        Fault::Unsupported,
        Diagnostic::error(codes::KERNEL, message),
    )
}

/// `6.18.44-something` → its three numbers.
fn version(release: &str) -> KernelVersion {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse::<u32>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let (major, minor, patch) = (next(), next(), next());
    KernelVersion::new(major as u8, minor as u8, patch)
}

/// How many CPUs there may ever be: the slots of per-CPU maps.
///
/// # Errors
/// If the kernel does not say.
pub fn possible_cpus() -> Result<u32, HostError> {
    let text = std::fs::read_to_string(POSSIBLE_CPUS).map_err(|e| unknown(POSSIBLE_CPUS, &e))?;
    last_cpu(&text)
        .map(|last| last + 1)
        .ok_or_else(|| unknown(POSSIBLE_CPUS, &"it is no list of CPUs"))
}

/// The last of `0-3,8-11`.
fn last_cpu(list: &str) -> Option<u32> {
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

/// The kernel's configuration, where it or its package shows it.
fn configuration(release: &str) -> Option<Kconfig> {
    let mut text = String::new();
    if let Ok(packed) = std::fs::File::open("/proc/config.gz") {
        let mut unpacked = GzDecoder::new(packed).take(limits::KCONFIG_BYTES_MAX);
        unpacked.read_to_string(&mut text).ok()?;
    } else {
        let file = std::fs::File::open(PathBuf::from(format!("/boot/config-{release}"))).ok()?;
        let mut file = file.take(limits::KCONFIG_BYTES_MAX);
        file.read_to_string(&mut text).ok()?;
    }
    Some(Kconfig::from_text(&text))
}

/// Addresses of the running kernel; of two symbols of a name the first, as libbpf takes it. All are 0
/// for people who may not know them.
fn symbols() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string(SYMBOLS).unwrap_or_default();
    let mut symbols = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        if let (Some(address), Some(name)) = (address, words.nth(1)) {
            symbols.entry(name.to_owned()).or_insert(address);
        }
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_three_numbers() {
        assert_eq!(version("6.18.44-rt"), KernelVersion::new(6, 18, 44));
        assert_eq!(version("5.4"), KernelVersion::new(5, 4, 0));
    }

    #[test]
    fn the_last_cpu_of_a_list_counts() {
        assert_eq!(last_cpu("0-3\n"), Some(3));
        assert_eq!(last_cpu("0"), Some(0));
        assert_eq!(last_cpu("0,2-5,7"), Some(7));
        assert_eq!(last_cpu("none"), None);
    }
}
