//! The parts of a kernel source tree that judge us, from Debian's source package.
//!
//! Everything lands in the cache folder outside the repository: those files are GPL-2.0 and none of
//! them, nor anything made from them, may be committed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::place::{self, Error};

/// The kernel whose tests we develop against.
pub(crate) const VERSION: &str = "6.1";

/// What is unpacked of the tree.
const PARTS: [&str; 6] = [
    "tools/testing/selftests/bpf/*",
    "tools/include/*",
    "lib/test_bpf.c",
    "include/linux/filter.h",
    "include/uapi/*",
    "scripts/bpf_doc.py",
];

/// An unpacked tree.
pub(crate) struct KernelSource {
    root: PathBuf,
}

impl KernelSource {
    /// The tree in the cache; downloads and unpacks the package if it is not there.
    pub(crate) fn fetch() -> Result<KernelSource, Error> {
        let cache = place::cache()?;
        let package = format!("linux-source-{VERSION}");
        let root = cache.join(&package);
        let complete = root.join(".complete");
        if complete.exists() {
            return Ok(KernelSource { root });
        }
        let downloads = cache.join("dl");
        std::fs::create_dir_all(&downloads)?;
        std::fs::create_dir_all(&root)?;
        if find_package(&downloads, &package)?.is_none() {
            eprintln!("downloading {package}");
            place::run(
                Command::new("apt-get")
                    .current_dir(&downloads)
                    .args(["download", &package]),
            )?;
        }
        let deb = find_package(&downloads, &package)?.ok_or("the package did not arrive")?;
        eprintln!("unpacking {}", deb.display());
        let mut outer = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&deb)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut middle = Command::new("tar")
            .args(["-xOf", "-", &format!("./usr/src/{package}.tar.xz")])
            .stdin(outer.stdout.take().ok_or("no pipe")?)
            .stdout(Stdio::piped())
            .spawn()?;
        let inner = Command::new("tar")
            .args(["-xJf", "-", "--strip-components=1", "--wildcards", "-C"])
            .arg(&root)
            .args(PARTS.map(|part| format!("{package}/{part}")))
            .stdin(middle.stdout.take().ok_or("no pipe")?)
            .status()?;
        if !(outer.wait()?.success() && middle.wait()?.success() && inner.success()) {
            return Err(format!("{} does not unpack", deb.display()).into());
        }
        std::fs::write(complete, "")?;
        Ok(KernelSource { root })
    }

    /// A file of the tree.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

fn find_package(folder: &Path, package: &str) -> Result<Option<PathBuf>, Error> {
    let prefix = format!("{package}_");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
