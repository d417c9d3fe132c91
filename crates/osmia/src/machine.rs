//! The machine an object is to run on, made from files the caller names.

use std::path::Path;
use std::sync::Arc;

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

/// Options for a user-space host for this object: kernel types from the file, else the running
/// kernel's if the object asks for any, or a description may, and they can be read; configuration
/// from the file, else none.
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
        Some(path) => options.btf = Some(Arc::new(read_btf(path, None)?)),
        None if described || object.needs_kernel_types() => {
            options
                .use_kernel_btf()
                .map_err(|error| Error::new(Fault::Unsupported, error.to_diagnostic()))?;
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
