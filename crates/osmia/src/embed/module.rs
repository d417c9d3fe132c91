//! What was loaded together: programs and the maps they share, found by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_program::{HostMap, MapIndex, MapKind};
use osmia_user::{UserHost, UserMap};

use super::program::Takes;
use super::{Events, Global, Map, PerCpuMap, Plain, Program, Queue, Sandbox, UntypedMap, misuse};
use crate::resident::Resident;
use crate::{Error, codes};

/// Programs and maps alive in a sandbox. Every handle it gives keeps all of them alive.
#[derive(Clone)]
pub struct Module {
    shared: Arc<Shared>,
}

struct Shared {
    sandbox: Sandbox,
    resident: Resident<UserHost>,
    /// Bytes of the context that programs touch.
    context_bytes: BTreeMap<String, usize>,
    notes: Vec<Diagnostic>,
}

impl Module {
    pub(super) fn new(
        sandbox: Sandbox,
        resident: Resident<UserHost>,
        context_bytes: BTreeMap<String, usize>,
        notes: Vec<Diagnostic>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                sandbox,
                resident,
                context_bytes,
                notes,
            }),
        }
    }

    /// Where it lives.
    pub fn sandbox(&self) -> &Sandbox {
        &self.shared.sandbox
    }

    /// Why programs have no native form, one remark each; they run interpreted.
    pub fn notes(&self) -> &[Diagnostic] {
        &self.shared.notes
    }

    /// The names of its programs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.resident().programs.keys().map(String::as_str)
    }

    /// The names of its maps.
    pub fn maps(&self) -> impl Iterator<Item = &str> {
        let maps = self.resident().maps.values();
        maps.map(|map| map.spec().name.as_str())
    }

    /// A program that is called with a `C`: a value that is its context, `[u8]` for a context of any
    /// length, or [`Packet`](super::Packet).
    ///
    /// # Errors
    /// If there is no such program, or it is called with something else.
    pub fn program<C: Takes + ?Sized>(&self, name: &str) -> Result<Program<C>, Error> {
        let Some(program) = self.resident().programs.get(name) else {
            let set = &self.resident().set;
            return Err(Error::new(
                osmia_program::Fault::Usage,
                crate::loaded::no_such_program(name, set),
            ));
        };
        let context_bytes = self.shared.context_bytes.get(name);
        Program::new(self, program, context_bytes.copied().unwrap_or(0))
    }

    /// A map with keys and values of these types: arrays, hashes and tries.
    ///
    /// # Errors
    /// If there is no such map, it is of another kind, or the types are of other sizes.
    pub fn map<K: Plain, V: Plain>(&self, name: &str) -> Result<Map<K, V>, Error> {
        use MapKind as M;
        let map = self.find(name, &[M::Array, M::Hash, M::LruHash, M::LpmTrie], "map")?;
        fits::<K>(map, "key", map.spec().key_size)?;
        fits::<V>(map, "value", map.spec().value_size)?;
        Ok(Map::new(self, map))
    }

    /// A map that has a value for each CPU.
    ///
    /// # Errors
    /// As [`Module::map`].
    pub fn per_cpu_map<K: Plain, V: Plain>(&self, name: &str) -> Result<PerCpuMap<K, V>, Error> {
        use MapKind as M;
        let kinds = [M::PercpuArray, M::PercpuHash, M::LruPercpuHash];
        let map = self.find(name, &kinds, "per_cpu_map")?;
        fits::<K>(map, "key", map.spec().key_size)?;
        fits::<V>(map, "value", map.spec().value_size)?;
        Ok(PerCpuMap::new(self, map))
    }

    /// A queue or a stack.
    ///
    /// # Errors
    /// As [`Module::map`].
    pub fn queue<V: Plain>(&self, name: &str) -> Result<Queue<V>, Error> {
        let map = self.find(name, &[MapKind::Queue, MapKind::Stack], "queue")?;
        fits::<V>(map, "value", map.spec().value_size)?;
        Ok(Queue::new(self, map))
    }

    /// A map by bytes, whatever its kind.
    ///
    /// # Errors
    /// If there is no such map.
    pub fn untyped_map(&self, name: &str) -> Result<UntypedMap, Error> {
        Ok(UntypedMap::new(self, self.named(name)?))
    }

    /// What programs send through a ring buffer or a perf event array.
    ///
    /// # Errors
    /// If there is no such map, or it is of another kind.
    pub fn events(&self, name: &str) -> Result<Events, Error> {
        let kinds = [MapKind::Ringbuf, MapKind::PerfEventArray];
        Ok(Events::new(self, self.find(name, &kinds, "events")?))
    }

    /// A global variable.
    ///
    /// # Errors
    /// If there is no such variable, or its type is of another size.
    pub fn global<T: Plain>(&self, name: &str) -> Result<Global<T>, Error> {
        let resident = self.resident();
        let found = (resident.set.globals.iter())
            .filter(|global| global.name == name)
            .find_map(|global| Some((global, self.at(global.map)?)));
        let Some((global, map)) = found else {
            let names = resident.set.globals.iter().map(|global| &*global.name);
            return Err(nothing("global variable", name, names));
        };
        if size_of::<T>() != global.size as usize {
            let what = format!("global variable `{name}`");
            return Err(other_size::<T>(&what, global.size));
        }
        Ok(Global::new(self, map, global.offset))
    }

    fn resident(&self) -> &Resident<UserHost> {
        &self.shared.resident
    }

    fn at(&self, index: MapIndex) -> Option<&UserMap> {
        self.resident().maps.get(&index)
    }

    fn named(&self, name: &str) -> Result<&UserMap, Error> {
        let found = self.resident().map(name);
        found.ok_or_else(|| nothing("map", name, self.maps()))
    }

    /// The map of this name, if it is of one of these kinds; `function` is what was asked.
    fn find(&self, name: &str, kinds: &[MapKind], function: &str) -> Result<&UserMap, Error> {
        let map = self.named(name)?;
        let kind = map.spec().kind;
        if kinds.contains(&kind) {
            return Ok(map);
        }
        let message = format!("map `{name}` is of kind {kind}");
        let list: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        let mut error = misuse(codes::EMBED_TYPE, message);
        let note = format!("`Module::{function}` is for {}", list.join(", "));
        error.diagnostics[0].notes.push(note);
        Err(error)
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let programs: Vec<&str> = self.programs().collect();
        let maps: Vec<&str> = self.maps().collect();
        f.debug_struct("Module")
            .field("programs", &programs)
            .field("maps", &maps)
            .finish()
    }
}

/// A name that nothing of a module has.
fn nothing<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let mut error = misuse(codes::EMBED_NAME, format!("there is no {what} `{name}`"));
    let names: Vec<&str> = names.collect();
    let note = match names.is_empty() {
        true => format!("the module has no {what}s"),
        false => format!("{what}s: {}", names.join(", ")),
    };
    error.diagnostics[0].notes.push(note);
    error
}

fn fits<T>(map: &UserMap, part: &str, bytes: u32) -> Result<(), Error> {
    if size_of::<T>() == bytes as usize {
        return Ok(());
    }
    let what = format!("the {part} of map `{}`", map.spec().name);
    Err(other_size::<T>(&what, bytes))
}

/// A type of the application that is not as long as what it is to stand for.
fn other_size<T>(what: &str, bytes: u32) -> Error {
    let (name, size) = (std::any::type_name::<T>(), size_of::<T>());
    let message = format!("{what} has {bytes} bytes, `{name}` has {size}");
    misuse(codes::EMBED_TYPE, message)
}
