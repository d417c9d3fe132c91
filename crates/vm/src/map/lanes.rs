//! Values as they lie in memory: one per slot, or one per slot and CPU.
//!
//! A CPU's values lie together ("lane" by lane), so that CPUs do not share cache lines. The bytes
//! callers pass from outside are the kernel's: for per-CPU kinds every CPU's value in turn, each
//! padded to eight bytes.

use std::sync::Arc;

use osmia_program::{Errno, MapFlags, MapSpec};

use super::error::BrokenRule;
use super::runs::Runs;
use crate::fields::{self, Fields, Locked};
use crate::limits;
use crate::memory::Block;

/// Which element of a map's [`Block`] a value is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Element(u32);

impl Element {
    pub(crate) const fn at(index: u32) -> Self {
        Self(index)
    }

    /// As the element number of [`Block`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The values of a map.
#[derive(Debug)]
pub(super) struct Lanes {
    block: Arc<Block>,
    /// Slots of a lane.
    slots: u32,
    /// CPUs, if there is a lane for each; 0 if there is one lane for all.
    cpus: u32,
    value_bytes: usize,
    /// What in a value is more than bytes.
    fields: Option<Arc<Fields>>,
}

/// What is written into a slot.
#[derive(Copy, Clone, Debug)]
pub(super) enum Write<'a> {
    /// By a program on this CPU: its own lane; a new slot's other lanes are zero.
    By(u32, &'a [u8]),
    /// From outside: every lane.
    Outside(&'a [u8]),
}

impl Write<'_> {
    /// The CPU it comes from; from outside, the first.
    pub(super) fn cpu(self) -> u32 {
        match self {
            Self::By(cpu, _) => cpu,
            Self::Outside(_) => 0,
        }
    }
}

impl Lanes {
    /// Zeroed values for this many slots.
    pub(super) fn new(spec: &MapSpec, slots: u64, cpus: u32) -> Result<Self, BrokenRule> {
        Self::with_headers(spec, slots, cpus, 0)
    }

    /// The same with a header in front of each value.
    pub(super) fn with_headers(
        spec: &MapSpec,
        slots: u64,
        cpus: u32,
        header_bytes: u64,
    ) -> Result<Self, BrokenRule> {
        let per_cpu = spec.kind.is_per_cpu();
        // What is behind a CPU's value up to a whole word goes in and out with it.
        let element_bytes = match per_cpu {
            true => u64::from(spec.value_size).next_multiple_of(8),
            false => u64::from(spec.value_size),
        };
        let elements = slots * u64::from(if per_cpu { cpus } else { 1 });
        let block = match spec.flags.has(MapFlags::MMAPABLE) {
            true => mapping(elements, element_bytes)?,
            false => headed_block(elements, header_bytes, element_bytes)?,
        };
        Ok(Self {
            block: Arc::new(block),
            slots: u32::try_from(slots).expect("as many elements fit the block"),
            cpus: if per_cpu { cpus } else { 0 },
            value_bytes: spec.value_size as usize,
            fields: super::fields::of(spec)?,
        })
    }

    /// The same, where so many slots are used before others.
    #[must_use]
    pub(super) fn expecting(self, slots: u32) -> Self {
        if self.cpus == 0 {
            self.block.expect_use(slots as usize);
        }
        self
    }

    /// What in a value is more than bytes.
    pub(super) fn fields(&self) -> Option<&Arc<Fields>> {
        self.fields.as_ref()
    }

    /// Holds the lock of a slot's value; `EINVAL` if values have none.
    pub(super) fn lock(&self, slot: u32) -> Result<Locked<'_>, Errno> {
        let fields = self.fields.as_ref().filter(|_| self.cpus == 0);
        let offset = fields.and_then(|fields| fields.spin_lock());
        Ok(Locked::new(
            &self.block,
            slot as usize,
            offset.ok_or(Errno::EINVAL)?,
        ))
    }

    /// Lets go of what the fields of a slot's values hold.
    #[inline]
    pub(super) fn free_fields(&self, slot: u32, runs: &Runs) {
        if let Some(fields) = &self.fields {
            self.free_these(fields, slot, runs);
        }
    }

    fn free_these(&self, fields: &Fields, slot: u32, runs: &Runs) {
        for cpu in 0..self.cpus.max(1) {
            let element = (cpu * self.slots + slot) as usize;
            fields::free_fields(runs, fields, &self.block, element);
        }
    }

    pub(super) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    #[inline]
    pub(super) fn slots(&self) -> u32 {
        self.slots
    }

    pub(super) fn is_per_cpu(&self) -> bool {
        self.cpus != 0
    }

    /// The element of this slot on this CPU; `None` if there is no such CPU.
    #[inline]
    pub(super) fn element(&self, slot: u32, cpu: u32) -> Option<Element> {
        if self.cpus == 0 {
            return Some(Element(slot));
        }
        (cpu < self.cpus).then(|| Element(cpu * self.slots + slot))
    }

    /// Bytes of a value as outside callers pass it.
    #[inline]
    pub(super) fn outside_bytes(&self) -> usize {
        match self.cpus {
            0 => self.value_bytes,
            cpus => self.padded() * cpus as usize,
        }
    }

    /// A value as outside callers get it.
    pub(super) fn read(&self, slot: u32) -> Vec<u8> {
        let mut out = vec![0; self.outside_bytes()];
        let padded = self.padded();
        if self.cpus == 0 {
            self.read_one(slot as usize, &mut out);
        } else {
            for (cpu, part) in (0..).zip(out.chunks_exact_mut(padded)) {
                let element = (cpu * self.slots + slot) as usize;
                self.read_one(element, part);
            }
        }
        out
    }

    fn read_one(&self, element: usize, out: &mut [u8]) {
        self.block.read(element, 0, out);
        if let Some(fields) = &self.fields {
            fields.mask(out);
        }
    }

    #[inline]
    fn write_one(&self, element: usize, bytes: &[u8]) {
        match &self.fields {
            None => self.block.write(element, 0, bytes),
            Some(fields) => fields.write(&self.block, element, bytes),
        }
    }

    /// Checks that the bytes have the size of a value.
    #[inline]
    pub(super) fn check(&self, write: Write<'_>) -> Result<(), Errno> {
        let (is, wanted) = match write {
            Write::By(_, value) => (value.len(), self.value_bytes),
            Write::Outside(value) => (value.len(), self.outside_bytes()),
        };
        if is == wanted {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }

    /// Writes a value of checked size; lanes it does not speak of stay, or are zeroed if `fresh`.
    #[inline]
    pub(super) fn write(&self, slot: u32, write: Write<'_>, fresh: bool) {
        match write {
            Write::By(_, value) | Write::Outside(value) if self.cpus == 0 => {
                self.write_one(slot as usize, value);
            }
            _ => self.write_lanes(slot, write, fresh),
        }
    }

    fn write_lanes(&self, slot: u32, write: Write<'_>, fresh: bool) {
        let at = |cpu: u32| (cpu * self.slots + slot) as usize;
        match write {
            Write::By(own, value) => {
                for cpu in 0..self.cpus {
                    if cpu == own {
                        self.write_one(at(cpu), value);
                    } else if fresh {
                        self.block.clear(at(cpu));
                    }
                }
            }
            Write::Outside(value) => {
                for (cpu, part) in (0..).zip(value.chunks_exact(self.padded())) {
                    self.write_one(at(cpu), part);
                }
            }
        }
    }

    #[inline]
    fn padded(&self) -> usize {
        self.value_bytes.next_multiple_of(8)
    }
}

/// Zeroed memory for this many elements, within the limit of a map.
pub(super) fn block(elements: u64, element_bytes: u64) -> Result<Block, BrokenRule> {
    headed_block(elements, 0, element_bytes)
}

/// The same with a header in front of each element.
pub(super) fn headed_block(
    elements: u64,
    header_bytes: u64,
    element_bytes: u64,
) -> Result<Block, BrokenRule> {
    let (count, bytes) = within_limit(elements, header_bytes + element_bytes)?;
    let (header, window) = (header_bytes as usize, element_bytes as usize);
    let block = match header {
        0 => Block::new(count, window),
        _ => Block::with_headers(count, header, window),
    };
    block.ok_or(BrokenRule::OutOfMemory { bytes })
}

/// The same as whole pages.
fn mapping(elements: u64, element_bytes: u64) -> Result<Block, BrokenRule> {
    let (count, bytes) = within_limit(elements, element_bytes)?;
    Block::in_pages(count, element_bytes as usize).ok_or(BrokenRule::OutOfMemory { bytes })
}

/// How many elements, and bytes, that are, unless they are too many.
fn within_limit(elements: u64, element_bytes: u64) -> Result<(usize, u64), BrokenRule> {
    let stride = element_bytes.next_multiple_of(8).max(8);
    let bytes = elements.saturating_mul(stride);
    if bytes > limits::MAP_BYTES_MAX {
        return Err(BrokenRule::TooMuchMemory {
            bytes,
            limit: limits::MAP_BYTES_MAX,
        });
    }
    Ok((elements as usize, bytes))
}
