//! What programs send through a map, read while the map has handles.

use osmia_program::{MapKind, MapSpec, Record};

use crate::perf::PerfBuffers;
use crate::ring::Ring;
use crate::sys::MapFd;

/// The reader of a map.
#[derive(Debug)]
pub(crate) enum Reader {
    Ring(Ring),
    Perf(PerfBuffers),
}

impl Reader {
    /// Opens the reader of a map, if programs send through maps of its kind.
    pub(crate) fn open(map: &MapFd, spec: &MapSpec) -> std::io::Result<Option<Reader>> {
        Ok(match spec.kind {
            MapKind::Ringbuf => Some(Reader::Ring(Ring::open(map, &spec.name, spec.max_entries)?)),
            MapKind::PerfEventArray => {
                let buffers = PerfBuffers::open(map, &spec.name, spec.max_entries)?;
                Some(Reader::Perf(buffers))
            }
            _ => None,
        })
    }

    pub(crate) fn drain(&mut self, sink: &mut dyn FnMut(Record)) {
        match self {
            Reader::Ring(ring) => ring.drain(sink),
            Reader::Perf(buffers) => buffers.drain(sink),
        }
    }
}
