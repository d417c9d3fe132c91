//! The programs of the kernel's BPF selftests, compiled for the running kernel's types.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kernel_source::{self, KernelSource};
use crate::place::{self, Error};

/// Objects and what could not be made.
pub(crate) struct Selftests {
    pub(crate) objects: Vec<PathBuf>,
    /// Names of sources that do not compile.
    pub(crate) refused: Vec<String>,
}

/// Compiles each source once; later calls find the objects in the cache.
pub(crate) fn compile() -> Result<Selftests, Error> {
    let source = KernelSource::fetch()?;
    let out = place::cache()?.join(format!(
        "selftests-{}-{}",
        kernel_source::VERSION,
        place::clang()
    ));
    std::fs::create_dir_all(&out)?;
    let header = out.join("vmlinux.h");
    if !header.exists() {
        let dump = [
            "btf",
            "dump",
            "file",
            "/sys/kernel/btf/vmlinux",
            "format",
            "c",
        ];
        std::fs::write(&header, place::run(Command::new("bpftool").args(dump))?)?;
    }
    let folder = source.path("tools/testing/selftests/bpf/progs");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();

    // Two workers: as many as the smallest machine this runs on has CPUs.
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compile_one(&source, file, &out);
                }
            });
        }
    });

    let mut selftests = Selftests {
        objects: Vec::new(),
        refused: Vec::new(),
    };
    for file in &files {
        let object = object_of(file, &out);
        if object.exists() {
            selftests.objects.push(object);
        } else {
            let name = file.file_name().unwrap_or_default();
            selftests.refused.push(name.display().to_string());
        }
    }
    Ok(selftests)
}

/// Compiles one source unless its object, or the note that it does not compile, is there.
fn compile_one(source: &KernelSource, file: &Path, out: &Path) {
    let object = object_of(file, out);
    let refused = object.with_extension("refused");
    if object.exists() || refused.exists() {
        return;
    }
    let include = |relative: &str| format!("-I{}", source.path(relative).display());
    let output = Command::new("nice")
        .arg(place::clang())
        .args([
            "-target",
            "bpf",
            "-g",
            "-O2",
            "-std=gnu11",
            "-mcpu=v3",
            "-w",
        ])
        .args([
            "-D__TARGET_ARCH_x86",
            "-DENABLE_ATOMICS_TESTS",
            "-fms-extensions",
        ])
        .arg(format!("-I{}", out.display()))
        .arg(include("tools/testing/selftests/bpf"))
        .arg(include("tools/testing/selftests/bpf/progs"))
        .arg(include("tools/include/uapi"))
        .arg(include("tools/include"))
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
        .arg("-c")
        .arg(file)
        .arg("-o")
        .arg(&object)
        .output();
    if !output.is_ok_and(|output| output.status.success()) {
        // A note that cannot be written only means another try next time.
        let _ = std::fs::write(refused, "");
    }
}

fn object_of(file: &Path, out: &Path) -> PathBuf {
    out.join(file.file_name().unwrap_or_default())
        .with_extension("bpf.o")
}
