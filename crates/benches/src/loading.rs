//! Inputs of the loading benches.

use std::sync::Arc;

use osmia_btf::{Btf, Endian};
use osmia_program::{KernelVersion, Target};

/// The object with 500 CO-RE relocations, the largest that is committed.
pub const CORE_CASE: &[u8] = include_bytes!("../programs/core500.bpf.o");

/// The bytes of a kernel's BTF: `$OSMIA_BENCH_BTF`, else the running kernel's, if there is one.
pub fn kernel_btf() -> Option<Vec<u8>> {
    let path = std::env::var_os("OSMIA_BENCH_BTF");
    std::fs::read(path.unwrap_or_else(|| "/sys/kernel/btf/vmlinux".into())).ok()
}

/// A target with this kernel BTF, indexed.
pub fn kernel_target(bytes: Vec<u8>) -> Target {
    let btf = Btf::parse(bytes, None).expect("a kernel's BTF");
    btf.index();
    Target {
        name: "bench".into(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: None,
        cpus: 1,
        btf: Some(Arc::new(btf)),
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    }
}
