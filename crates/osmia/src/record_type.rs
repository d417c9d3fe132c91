//! What the records of a ring buffer or a perf event array are.
//!
//! Linux has no place to declare it: a ring buffer has no values, the values of a perf event array
//! are descriptors. Who knows the type names it; it must be in the object's BTF.

use std::sync::Arc;

use osmia_btf::{Kind, TypeId};
use osmia_diag::{Diagnostic, Place};
use osmia_program::{Fault, MapBtf, MapKind, MapSpec};

use crate::{Error, Linked, codes};

impl Linked {
    /// Says that the records of this map are values of this type: a struct, union or typedef of the
    /// object's BTF by name.
    ///
    /// # Errors
    /// If there is no such map or type, or if the map is of a kind that has no records.
    pub fn type_records(&mut self, map: &str, type_name: &str) -> Result<(), Error> {
        let place = Place::file(self.file());
        let usage = |message: String, help: &str| {
            let diagnostic = Diagnostic::error(codes::RUN_RECORD, message).at(place.clone());
            Error::new(Fault::Usage, diagnostic.help(help))
        };
        let set = self.set_mut();
        let btf = set.btf.clone();
        let Some(spec) = set.maps.iter_mut().find(|spec| spec.name == map) else {
            return Err(usage(
                format!("there is no map `{map}`"),
                "`osmia inspect FILE` lists the maps",
            ));
        };
        if !has_records(spec.kind) {
            return Err(usage(
                format!("map `{map}` is of kind {}, which has no records", spec.kind),
                "name a ring buffer or a perf event array",
            ));
        }
        let found = btf.and_then(|btf| {
            let id = [Kind::Struct, Kind::Union, Kind::Typedef]
                .iter()
                .find_map(|kind| btf.find(type_name, *kind))?;
            Some((btf, id))
        });
        let Some((btf, id)) = found else {
            return Err(usage(
                format!("the object's BTF has no type `{type_name}`"),
                "clang leaves out types that nothing refers to: keep it with a variable, as in \
                 `const struct event *unused __attribute__((unused));`",
            ));
        };
        spec.btf = Some(MapBtf {
            btf: Arc::clone(&btf),
            key: None,
            value: Some(id),
        });
        Ok(())
    }
}

/// The type of a map's records, if it is known.
pub(crate) fn of(spec: &MapSpec) -> Option<(&osmia_btf::Btf, TypeId)> {
    let types = spec.btf.as_ref()?;
    let id = types.value?;
    // A perf event array is often declared with `int` values: descriptors, not records.
    let is_descriptor = spec.kind == MapKind::PerfEventArray
        && matches!(types.btf.resolve(id).kind(), Kind::Int | Kind::Enum);
    (!is_descriptor).then_some((types.btf.as_ref(), id))
}

fn has_records(kind: MapKind) -> bool {
    matches!(kind, MapKind::Ringbuf | MapKind::PerfEventArray)
}
