//! The machine an object is to run on, made from files the caller names.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use osmia_btf::Btf;
use osmia_diag::Diagnostic;
use osmia_program::{Fault, Kconfig};
use osmia_user::UserOptions;

use crate::object::{read_btf, read_file};
use crate::{Error, Object, codes, limits};

/// Lets programs find this machine's interfaces, addresses, routes and neighbours.
///
/// # Errors
/// If the kernel does not tell; only Linux can.
pub fn use_machine_network(options: &mut UserOptions) -> Result<(), Error> {
    let network = osmia_user::network::of_machine().map_err(|error| {
        let message = format!("this machine's network cannot be read: {error}");
        Error::new(Fault::Unsupported, Diagnostic::error(codes::FILE, message))
    })?;
    options.network = Arc::new(network);
    Ok(())
}

/// What `--btf` is given for the types that are shipped.
const REFERENCE: &str = "reference";

/// The layouts of kernel types that are shipped: Linux 6.18's on x86-64, as Debian builds it, of what
/// programs commonly ask for (`cargo xtask reference-btf`). Functions of a kernel it has few of.
#[must_use]
pub fn reference_types() -> Arc<Btf> {
    static TYPES: OnceLock<Arc<Btf>> = OnceLock::new();
    let read = || {
        let bytes = include_bytes!("../data/reference.btf");
        Arc::new(Btf::parse(bytes.as_slice(), None).expect("what is shipped is BTF"))
    };
    Arc::clone(TYPES.get_or_init(read))
}

/// The note that programs see the types that are shipped, if they do.
#[must_use]
pub fn reference_note(options: &UserOptions) -> Option<Diagnostic> {
    let shipped = reference_types();
    let uses = options
        .btf
        .as_ref()
        .is_some_and(|btf| Arc::ptr_eq(btf, &shipped));
    uses.then(|| {
        let message = "kernel types are those shipped with Osmia: Linux 6.18 on x86-64, an excerpt";
        Diagnostic::note_only(codes::KERNEL_TYPES, message)
            .help("`--btf FILE` takes those of another kernel: its /sys/kernel/btf/vmlinux")
    })
}

/// Options for a user-space host for this object: kernel types from the file, else the running
/// kernel's if the object asks for any, or a description may; those that are shipped where they cannot
/// be read, or if the file is called `reference`; configuration from the file, else none.
///
/// # Errors
/// If a file cannot be read or is not what it should be.
pub fn user_options(
    object: &Object,
    btf: Option<&Path>,
    kconfig: Option<&Path>,
    described: bool,
) -> Result<UserOptions, Error> {
    let mut options = UserOptions::default();
    match btf {
        Some(path) if path == Path::new(REFERENCE) => options.btf = Some(reference_types()),
        Some(path) => options.btf = Some(Arc::new(read_btf(path, None)?)),
        None if described || object.needs_kernel_types() => {
            let has_own = (options.use_kernel_btf())
                .map_err(|error| Error::new(Fault::Unsupported, error.to_diagnostic()))?;
            if !has_own {
                options.btf = Some(reference_types());
            }
        }
        None => {}
    }
    if let Some(path) = kconfig {
        let bytes = read_file(path, "KCONFIG_BYTES_MAX", limits::KCONFIG_BYTES_MAX)?;
        let kconfig = Kconfig::from_text(&String::from_utf8_lossy(&bytes));
        if kconfig.0.is_empty() {
            let diagnostic = Diagnostic::error(
                codes::FILE,
                "the file has no lines of the form CONFIG_NAME=value",
            );
            return Err(Error::new(Fault::Input, diagnostic).in_file(&path.display().to_string()));
        }
        options.kconfig = Some(Arc::new(kconfig));
    }
    Ok(options)
}
