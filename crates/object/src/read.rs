//! From an [`Image`] to an [`Object`]: what the sections, symbols and types mean.

mod arena;
mod btf_maps;
mod data;
mod externs;
mod functions;
mod legacy_maps;
mod map_names;
mod struct_ops;

use osmia_diag::{Diagnostic, Place};

pub(crate) use arena::ARENA_SECTION;
pub(crate) use externs::{Placed, lay_out};
pub(crate) use functions::{function_reference, is_load_imm64, is_local_call};

use crate::error::Errors;
use crate::image::Image;
use crate::object::Notes;
use crate::{Object, ObjectError, codes, limits};

/// Reads everything an image declares.
pub(crate) fn interpret(mut image: Image) -> Result<Object, ObjectError> {
    let mut notes = Notes::default();
    for note in std::mem::take(&mut image.notes) {
        notes.add(&image.name, note);
    }
    let functions = functions::functions(&image, &mut notes)?;
    let programs = functions::programs(&image, &functions, &mut notes)?;

    let mut errors = Errors::default();
    let mut maps = legacy_maps::maps(&image, &mut errors, &mut notes);
    let by_types = btf_maps::maps(
        &image,
        maps.len(),
        &programs,
        &functions,
        &mut errors,
        &mut notes,
    );
    maps.extend(by_types);
    maps.extend(data::maps(&image, &mut errors));
    let externs = externs::externs(&image, &mut errors);
    maps.extend(externs::kconfig_map(&image, &externs));
    maps.extend(struct_ops::maps(&image, &mut errors));
    arena::fill(&image, &mut maps, &mut errors);
    if maps.len() > limits::MAPS_MAX {
        errors.push(too_many_maps());
    }
    errors.into_result()?;
    let variables = data::variables(&image, &maps, &externs);
    data::note_pointers(&image, &mut notes);
    let license = match image.section_named("license") {
        Some((_, section)) => {
            let text = section.data.split(|byte| *byte == 0).next().unwrap_or(&[]);
            let text = text.get(..limits::LICENSE_BYTES_MAX).unwrap_or(text);
            String::from_utf8_lossy(text).into_owned()
        }
        None => String::new(),
    };
    if license.is_empty() && !programs.is_empty() {
        let note = Diagnostic::note_only(
            codes::OBJECT_NOTE,
            "the object states no licence; the kernel refuses helpers reserved for GPL programs",
        )
        .at(Place::none())
        .help("add: char LICENSE[] SEC(\"license\") = \"…\";");
        notes.add(&image.name, note);
    }
    let kernel_version = image
        .section_named("version")
        .and_then(|(_, section)| image.word(&section.data, 0))
        .unwrap_or(0);
    Ok(Object {
        functions,
        programs,
        maps,
        variables,
        externs,
        license,
        kernel_version,
        notes,
        image,
    })
}

fn too_many_maps() -> ObjectError {
    ObjectError::Limit {
        what: "maps",
        limit: "MAPS_MAX",
        max: limits::MAPS_MAX as u64,
    }
}
