//! Our side: the user-space host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use osmia::{HostMap, HostProgram, LinkOptions, Linked, Loaded, MapKind, UserHost, UserOptions};
use osmia_program::{Host, Record, RecordSource, Run, UpdateMode};

use super::inputs::{Filling, Input};
use super::judge::{Contents, OneRun, Ran};
use super::sockets::Open;
use crate::place::Error;

/// A machine with this one's CPUs, kernel types, network, and these of its sockets, that makes machine
/// code or interprets.
pub(super) fn host(sockets: &[Open], native: bool) -> Result<UserHost, Error> {
    let possible = std::fs::read_to_string("/sys/devices/system/cpu/possible")?;
    let last = possible.trim().rsplit(['-', ',']).next().unwrap_or("0");
    let mut network = osmia_user::network::of_machine()?;
    for open in sockets {
        network.add_socket(open.described());
    }
    let mut options = UserOptions {
        cpus: last.parse::<u32>()? + 1,
        seed: Some(1),
        native,
        network: Arc::new(network),
        ..UserOptions::default()
    };
    options.use_kernel_btf()?;
    UserHost::new(options).map_err(|error| error.to_string().into())
}

pub(super) fn link(path: &Path, host: &UserHost) -> Result<Linked, Error> {
    let object = osmia::Object::open(path).map_err(|error| error.to_string())?;
    let linked = object.link(host.target(), &LinkOptions::default());
    linked.map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Runs on every input that the kernel took.
pub(super) fn run(
    loaded: &Loaded<'_, UserHost>,
    name: &str,
    filling: &[Filling],
    inputs: &[Input],
    theirs: &Ran,
) -> Result<Ran, Error> {
    let program = loaded.program(name).ok_or("the program is not loaded")?;
    for Filling { map, key, value } in filling {
        let live = loaded.map(map).ok_or("a map is missing")?;
        live.update(key, value, UpdateMode::Any)
            .map_err(|errno| format!("map {map} cannot be filled: {errno}"))?;
    }
    let mut ran = Ran::default();
    let mut records: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let types = loaded.host().target().btf.as_deref();
    let scene = Arc::new(osmia::plain_scene(types, &osmia_program::Task::default()));
    for (input, their) in inputs.iter().zip(&theirs.runs) {
        let mut run = Run {
            data: input.data.clone(),
            ctx: input.ctx.clone(),
            scene: Arc::clone(&scene),
            ..Run::default()
        };
        let mut one = OneRun::default();
        if their.end.is_ok() {
            let outcome = program.test_run(&mut run);
            one.end = outcome
                .map(|()| run.retval)
                .map_err(|error| error.to_string());
            one.data = run.data;
            one.ctx = run.ctx;
        } else {
            one.end = Err("not run".into());
        }
        one.globals = globals(loaded);
        ran.runs.push(one);
    }
    // Nobody reads before the end there either.
    loaded.host().drain(&mut |record: Record| {
        if record.bytes.is_empty() {
            // Only the news that some were lost.
            return;
        }
        if let RecordSource::Ringbuf(map) | RecordSource::PerfEvent(map) = &record.source {
            let of_map = records.entry(map.to_string()).or_default();
            of_map.push(record.bytes);
        }
    });
    for (_, map) in loaded.maps() {
        let spec = map.spec();
        let contents = match spec.kind {
            MapKind::Ringbuf | MapKind::PerfEventArray => {
                Contents::Records(records.remove(&spec.name).unwrap_or_default())
            }
            _ => Contents::Entries(entries(map)),
        };
        ran.maps.insert(spec.name.clone(), contents);
    }
    Ok(ran)
}

fn globals(loaded: &Loaded<'_, UserHost>) -> BTreeMap<String, Vec<u8>> {
    loaded
        .maps()
        .filter(|(_, map)| map.spec().name.contains(".bss"))
        .filter_map(|(_, map)| {
            let value = map.lookup(&0_u32.to_ne_bytes()).ok()?;
            Some((map.spec().name.clone(), value))
        })
        .collect()
}

fn entries(map: &impl HostMap) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut entries = BTreeMap::new();
    let mut key = map.next_key(None);
    while let Ok(bytes) = key {
        if let Ok(value) = map.lookup(&bytes) {
            entries.insert(bytes.clone(), value);
        }
        key = map.next_key(Some(&bytes));
    }
    entries
}
