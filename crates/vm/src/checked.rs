//! The interpreter's memory: regions of one run and what each of them is.

use std::any::Any;
use std::collections::VecDeque;
#[cfg(feature = "trace")]
use std::ops::RangeInclusive;
use std::sync::Arc;

use osmia_program::MapKind;
use osmia_program::context::{Context, PacketAccess};
use osmia_program::limits::{CALL_FRAMES_MAX, PROGRAM_MAPS_MAX, STACK_BYTES};

use crate::code::Code;
use crate::fields::{Due, ObjectType};
use crate::guest::{Fault, Guest};
use crate::heap::Heap;
use crate::interp;
use crate::limits;
use crate::map::{Element, Map, Reservation};
use crate::memory::{Block, Rights, Shape, Space, Spot};
use crate::packet::Packet;
use crate::trap::{Cause, Target};
use crate::world::World;

/// Regions with fixed numbers.
pub(crate) mod region {
    use super::PROGRAM_MAPS_MAX;

    pub(crate) const STACK: usize = 1;
    pub(crate) const CONTEXT: usize = 2;
    /// Addresses that name maps: the element is the position in the program's list, then in the
    /// list of inner maps.
    pub(crate) const HANDLES: usize = 3;
    /// Addresses that name functions: the offset is the operation's position.
    pub(crate) const FUNCTIONS: usize = 4;
    /// Keys shown to callbacks, one a frame.
    pub(crate) const KEYS: usize = 5;
    /// Addresses of kernel functions, which are only compared with null.
    pub(crate) const KFUNCS: usize = 6;
    /// Values of the program's maps.
    pub(crate) const VALUES: usize = 8;
    /// Slabs of the heap, by position.
    pub(crate) const HEAP: usize = VALUES + PROGRAM_MAPS_MAX;
    /// Everything that comes and goes during a run.
    pub(crate) const DYNAMIC: usize = HEAP + crate::limits::HEAP_SLABS_MAX;
}

/// Address distance of frames: a frame, and a gap as long behind it.
const FRAME_SHIFT: u32 = (STACK_BYTES as u32 * 2).trailing_zeros();
/// Address distance of functions.
const FUNCTION_SHIFT: u32 = 0;
/// Address distance of map handles.
const HANDLE_SHIFT: u32 = 4;
/// Address distance of keys shown to callbacks.
const KEY_SHIFT: u32 = (limits::KEY_BYTES_MAX as u32 * 2).trailing_zeros();

/// What a region that comes and goes is.
#[derive(Debug)]
enum Dynamic {
    Packet,
    StalePacket,
    /// Values of an inner map, by its position in the list of those.
    Inner(usize),
    Reservation(Arc<Map>, Option<Reservation>),
    /// Memory that a helper lent.
    Shown,
    Released,
}

/// The memory of a run: what the interpreter's helpers work on.
#[derive(Debug)]
pub struct Checked {
    pub(crate) space: Space,
    keys: Arc<Block>,
    /// The code whose maps the regions show.
    installed: Option<Arc<Code>>,
    dynamic: Vec<Dynamic>,
    /// Inner maps met in this run, with the regions of their values.
    inner: Vec<(Arc<Map>, Option<usize>)>,
    /// Regions whose addresses are stale, oldest first, to be used again when none are left.
    stale: VecDeque<usize>,
    packet: usize,
    /// Slabs of the heap that are shown.
    slabs: usize,
    /// Function frames in use.
    pub(crate) depth: usize,
    /// Most frames used since the stack was last cleared.
    pub(crate) depth_max: usize,
    /// Instructions left until somebody asks whether to go on.
    pub(crate) left: u64,
    /// Instructions left then.
    left_later: u64,
    /// Tail calls left.
    pub(crate) tail_calls_left: u32,
    /// The last helper that returned null, and the slot of its call.
    pub(crate) null_from: Option<(&'static str, usize)>,
}

impl Checked {
    pub(crate) fn new() -> Option<Self> {
        let stack = Block::new(CALL_FRAMES_MAX, STACK_BYTES)?;
        let mut space = Space::new();
        let shape = Shape {
            start: 0,
            window: STACK_BYTES,
            shift: FRAME_SHIFT,
            count: CALL_FRAMES_MAX,
            rights: Rights::ReadWrite,
        };
        space.put_own(region::STACK, stack, shape);
        let keys = Arc::new(Block::new(CALL_FRAMES_MAX, limits::KEY_BYTES_MAX)?);
        let shape = Shape {
            start: 0,
            window: limits::KEY_BYTES_MAX,
            shift: KEY_SHIFT,
            count: CALL_FRAMES_MAX,
            rights: Rights::Read,
        };
        space.put(region::KEYS, &keys, shape);
        Some(Self {
            space,
            keys,
            installed: None,
            dynamic: Vec::new(),
            inner: Vec::new(),
            stale: VecDeque::new(),
            packet: 0,
            slabs: 0,
            depth: 0,
            depth_max: 0,
            left: 0,
            left_later: 0,
            tail_calls_left: 0,
            null_from: None,
        })
    }

    /// Makes everything ready for a run of `code` on what `world` holds.
    pub(crate) fn begin(&mut self, code: &Arc<Code>, world: &World) {
        self.install(code);
        self.space.zero(region::STACK, self.depth_max);
        self.depth = 0;
        self.depth_max = 0;
        self.left = world.env.insns_max.min(limits::INSNS_BETWEEN_LOOKS);
        self.left_later = world.env.insns_max - self.left;
        self.tail_calls_left = osmia_program::limits::TAIL_CALLS_MAX;
        self.null_from = None;
        if self.dynamic.len() > 1 {
            self.space.truncate(region::DYNAMIC + 1);
        }
        self.dynamic.clear();
        self.inner.clear();
        self.stale.clear();
        self.heap_grew(world.runs.heap());
        self.show_context(world);
        self.dynamic.push(Dynamic::Packet);
        self.packet = region::DYNAMIC;
        self.show_packet(&world.packet);
    }

    /// Ends a run: reservations the program did not give back are discarded, as they would block
    /// the ring's reader for ever.
    pub(crate) fn end(&mut self) {
        for dynamic in &mut self.dynamic {
            if let Dynamic::Reservation(map, reservation) = dynamic
                && let (Some(ring), Some(reservation)) = (map.ringbuf(), reservation.take())
            {
                ring.discard(reservation, 0);
            }
        }
    }

    /// Instructions the run has not used.
    pub(crate) fn unused(&self) -> u64 {
        self.left + self.left_later
    }

    /// Gives a run that has used up its instructions more of them, at least `wanted`.
    ///
    /// # Errors
    /// If there are no more, or the run is to stop.
    #[cold]
    #[inline(never)]
    pub(crate) fn go_on(&mut self, world: &World, wanted: u64) -> Result<u64, Cause> {
        if world.stop.is_asked() {
            self.left = 0;
            return Err(Cause::Stopped);
        }
        if self.left_later < wanted {
            (self.left, self.left_later) = (0, 0);
            let insns = world.env.insns_max;
            return Err(Cause::Budget { insns });
        }
        let more = self.left_later.min(limits::INSNS_BETWEEN_LOOKS.max(wanted));
        self.left_later -= more;
        Ok(more)
    }

    /// Makes the regions show the maps of a code.
    pub(crate) fn install(&mut self, code: &Arc<Code>) {
        if self
            .installed
            .as_ref()
            .is_some_and(|installed| Arc::ptr_eq(installed, code))
        {
            return;
        }
        let before = self.installed.take().map_or(0, |code| code.maps.len());
        for (index, map) in code.maps.iter().enumerate() {
            match map.map.values().zip(map.shape) {
                Some((block, shape)) => self.space.put(region::VALUES + index, block, shape),
                None => self.space.clear(region::VALUES + index),
            }
        }
        for index in code.maps.len()..before {
            self.space.clear(region::VALUES + index);
        }
        self.installed = Some(Arc::clone(code));
    }

    /// The code whose maps are shown: the one that runs.
    pub(crate) fn code(&self) -> Option<Arc<Code>> {
        self.installed.clone()
    }

    /// Lets go of the code that ran last and its maps: they would live until another one runs.
    pub(crate) fn release(&mut self) {
        let Some(code) = self.installed.take() else {
            return;
        };
        for index in 0..code.maps.len() {
            self.space.clear(region::VALUES + index);
        }
        // Inner maps of the last run; the next one begins with new regions anyway.
        self.space.truncate(region::DYNAMIC);
        self.inner.clear();
        self.dynamic.clear();
        self.packet = 0;
    }

    /// Address that stands for a map of the code by position.
    pub(crate) fn handle_address(index: usize) -> u64 {
        Space::address(region::HANDLES, HANDLE_SHIFT, index, 0)
    }

    /// Address of a byte of the first value of a map of the code by position.
    pub(crate) fn value_address(index: usize, offset: usize) -> u64 {
        Space::address(region::VALUES + index, 0, 0, offset)
    }

    /// The position a handle stands for: in the code's maps, or behind those in the inner maps.
    #[inline]
    fn handle_index(address: u64) -> Option<usize> {
        let index = address.wrapping_sub(Self::handle_address(0));
        let whole = index & ((1 << HANDLE_SHIFT) - 1) == 0;
        usize::try_from(index >> HANDLE_SHIFT)
            .ok()
            .filter(|_| whole)
    }

    #[inline]
    fn map_at(&self, index: usize) -> Option<&Arc<Map>> {
        match index.checked_sub(PROGRAM_MAPS_MAX) {
            None => self.installed.as_ref()?.maps.get(index).map(|map| &map.map),
            Some(inner) => self.inner.get(inner).map(|(map, _)| map),
        }
    }

    /// Makes the packet's region show what the packet is now.
    fn show_packet(&mut self, packet: &Packet) {
        let shape = Shape {
            start: packet.meta(),
            window: packet.end() - packet.meta(),
            shift: 40,
            count: 1,
            rights: match packet.access {
                PacketAccess::None => Rights::None,
                PacketAccess::Read => Rights::Read,
                PacketAccess::ReadWrite => Rights::ReadWrite,
            },
        };
        self.space.put(self.packet, packet.block(), shape);
    }

    fn show_context(&mut self, world: &World) {
        let (start, rights) = match world.context.kind() {
            Context::Bytes(bytes) if bytes.writable => (bytes.start, Rights::ReadWrite),
            Context::Bytes(bytes) => (bytes.start, Rights::Read),
            Context::Arguments(_) => (0, Rights::Read),
            Context::Fields(fields) if fields.in_place => (0, Rights::Read),
            // Their fields are rewritten: see `context::load`.
            Context::Fields(_) | Context::OfTarget | Context::Nothing => (0, Rights::None),
        };
        let start = start as usize;
        let shape = Shape {
            start,
            window: world.context.len().saturating_sub(start),
            shift: 40,
            count: 1,
            rights,
        };
        self.space
            .put(region::CONTEXT, world.context.block(), shape);
    }

    /// Address of the context.
    pub(crate) fn context_address() -> u64 {
        Space::address(region::CONTEXT, 0, 0, 0)
    }

    /// The frame pointer of a frame.
    pub(crate) fn frame_pointer(frame: usize) -> u64 {
        Space::address(region::STACK, FRAME_SHIFT, frame, STACK_BYTES)
    }

    /// Those addresses of the values of a map of the code by position that lie in a range.
    #[cfg(feature = "trace")]
    pub(crate) fn value_addresses(
        &self,
        position: usize,
        within: &RangeInclusive<u64>,
    ) -> impl Iterator<Item = u64> {
        let map = (self.installed.as_ref()).and_then(|code| code.maps.get(position));
        let shape = map.and_then(|map| map.shape.as_ref());
        let region = region::VALUES + position;
        let start = Space::address(region, 0, 0, 0);
        let (from, to) = (*within.start(), *within.end());
        shape.into_iter().flat_map(move |shape| {
            let apart = 1 << shape.shift;
            let first = from.saturating_sub(start).div_ceil(apart);
            let end = to.checked_sub(start).map_or(0, |last| last / apart + 1);
            let all = first as usize..shape.count.min(end as usize);
            all.map(move |element| Space::address(region, shape.shift, element, 0))
        })
    }

    /// Address of a function by the position of its first operation.
    pub(crate) fn function_address(op: usize) -> u64 {
        Space::address(region::FUNCTIONS, FUNCTION_SHIFT, op, 0)
    }

    /// What a callback for later is called with: map, key, value.
    pub(crate) fn callback_args(&mut self, code: &Code, due: &Due, key: &[u8]) -> Option<[u64; 5]> {
        let position = code
            .maps
            .iter()
            .position(|map| Arc::ptr_eq(&map.map, &due.map));
        let handle = match position {
            Some(position) => Self::handle_address(position),
            None => self.inner_handle(Arc::clone(&due.map))?,
        };
        let shown = Arc::new(Block::new(1, key.len())?);
        shown.write(0, 0, key);
        let shape = Shape::whole(&shown, Rights::Read)?;
        let key = self.show(&shown, shape)?;
        let value = self.element_address(handle, due.element)?;
        Some([handle, key, value, 0, 0])
    }

    /// Address of a kernel function by the slot that names it.
    pub(crate) fn kfunc_address(slot: usize) -> u64 {
        Space::address(region::KFUNCS, 0, 0, slot)
    }

    /// A new region, or one whose addresses have been stale for longest. `None` if all are in use.
    fn fresh_region(&mut self, what: Dynamic) -> Option<usize> {
        let region = region::DYNAMIC + self.dynamic.len();
        if region < limits::REGIONS_MAX {
            self.dynamic.push(what);
            return Some(region);
        }
        let region = self.stale.pop_front()?;
        self.dynamic[region - region::DYNAMIC] = what;
        Some(region)
    }

    /// True for addresses that are none of the program's own memory: null, numbers, and where an
    /// object of the kernel is not or is no more.
    pub(crate) fn is_nowhere(&self, address: u64) -> bool {
        match self.space.spot(address).region {
            0 => true,
            region @ region::HEAP..region::DYNAMIC => self.space.is_read_only(region),
            _ => false,
        }
    }

    /// What an address means, for messages.
    pub(crate) fn target(&self, address: u64, bytes: u64, world: &World) -> Target {
        let spot = self.space.spot(address);
        match spot.region {
            0 if address < 1 << 16 => Target::Null { offset: address },
            region::STACK => {
                let relative = address.wrapping_sub(Self::frame_pointer(0)) as i64;
                // The frame whose pointer is nearest above: the one the program meant.
                let frame = i64::try_from(self.depth.saturating_sub(1)).unwrap_or(0);
                Target::Stack {
                    offset: relative - (frame << FRAME_SHIFT),
                }
            }
            region::CONTEXT => Target::Context {
                offset: address.wrapping_sub(Self::context_address()) as i64,
                start: match world.context.kind() {
                    Context::Bytes(bytes) => bytes.start,
                    _ => 0,
                },
                bytes: world.context.len() as u64,
            },
            region::FUNCTIONS => Target::Function,
            region::HANDLES => match Self::handle_index(address & !((1 << HANDLE_SHIFT) - 1))
                .and_then(|index| self.map_at(index))
            {
                Some(map) => Target::MapHandle {
                    map: map.spec().name.clone(),
                },
                None => Target::Number(address),
            },
            region::HEAP..region::DYNAMIC => match world.runs.heap().object(address) {
                Some(object) => Target::Object {
                    name: object.tag.name,
                    offset: object.offset as i64,
                },
                None => Target::Released,
            },
            region => match self.dynamic.get(region.wrapping_sub(region::DYNAMIC)) {
                Some(Dynamic::Packet) => {
                    let start = self.packet_address(world.packet.data());
                    let offset = address.wrapping_sub(start) as i64;
                    let len = world.packet.len() as u64;
                    Target::Packet {
                        offset,
                        len,
                        rights: u64::try_from(offset)
                            .is_ok_and(|offset| offset.saturating_add(bytes) <= len),
                    }
                }
                Some(Dynamic::StalePacket) => Target::StalePacket,
                Some(Dynamic::Released) => Target::Released,
                Some(Dynamic::Shown) => Target::Lent {
                    offset: spot.offset,
                    bytes: spot.window,
                },
                Some(Dynamic::Inner(inner)) => {
                    self.value_target(PROGRAM_MAPS_MAX + inner, spot, bytes)
                }
                Some(Dynamic::Reservation(..)) => Target::Reservation {
                    offset: spot.offset,
                    bytes: spot.window,
                },
                None if (region::VALUES..region::HEAP).contains(&region) => {
                    self.value_target(region - region::VALUES, spot, bytes)
                }
                None => Target::Number(address),
            },
        }
    }
}

impl Checked {
    fn value_target(&self, index: usize, spot: Spot, accessed: u64) -> Target {
        let Some(map) = self.map_at(index) else {
            return Target::Number(0);
        };
        let bytes = u64::from(map.spec().value_size);
        Target::MapValue {
            map: map.spec().name.clone(),
            offset: spot.offset,
            bytes,
            // Inside of a value, so it is the rights that are missing.
            rights: spot.count > 0
                && u64::try_from(spot.offset).is_ok_and(|at| at.saturating_add(accessed) <= bytes),
        }
    }

    /// Address of an element of an inner map by its position in the list of those.
    fn inner_element_address(&mut self, inner: usize, element: Element) -> Option<u64> {
        let (map, region) = self.inner.get(inner)?;
        let block = map.values()?;
        let shape = shape(map, block)?;
        let region = match region {
            Some(region) => *region,
            None => {
                let block = Arc::clone(block);
                let region = self.fresh_region(Dynamic::Inner(inner))?;
                self.space.put(region, &block, shape);
                self.inner[inner].1 = Some(region);
                region
            }
        };
        Some(Space::address(region, shape.shift, element.index(), 0))
    }

    /// What a tail call goes to: `None` if there is nothing in the slot.
    ///
    /// # Errors
    /// If the argument is not a map.
    pub(crate) fn tail_target(
        &mut self,
        handle: u64,
        index: u32,
    ) -> Result<Option<Arc<Code>>, Fault> {
        let map = self.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
        if map.spec().kind != MapKind::ProgArray {
            return Err(Fault::Argument {
                argument: 2,
                what: format!("is map {}, which is not a program array", map.spec().name),
            });
        }
        let target = map.program_at::<Code>(index);
        if target.is_none() || self.tail_calls_left == 0 {
            return Ok(None);
        }
        self.tail_calls_left -= 1;
        Ok(target)
    }
}

/// The fault of an argument that should be a map.
pub(crate) fn not_a_map(value: u64, argument: usize) -> Fault {
    Fault::Argument {
        argument,
        what: format!("is {value:#x}, not a map"),
    }
}

impl Guest for Checked {
    #[inline]
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        self.space.read(address, out).is_some()
    }

    #[inline]
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.space.write(address, bytes).is_some()
    }

    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool {
        self.space.allows(address, bytes, write)
    }

    fn is_context(&self, address: u64) -> bool {
        address == Self::context_address()
    }

    #[inline]
    fn map(&self, handle: u64) -> Option<&Arc<Map>> {
        self.map_at(Self::handle_index(handle)?)
    }

    #[inline]
    fn element_address(&mut self, handle: u64, element: Element) -> Option<u64> {
        let index = Self::handle_index(handle)?;
        if index >= PROGRAM_MAPS_MAX {
            return self.inner_element_address(index - PROGRAM_MAPS_MAX, element);
        }
        let map = self.installed.as_ref()?.maps.get(index)?;
        let shift = map.shape.as_ref()?.shift;
        let region = region::VALUES + index;
        Some(Space::address(region, shift, element.index(), 0))
    }

    fn inner_handle(&mut self, map: Arc<Map>) -> Option<u64> {
        let known = self
            .inner
            .iter()
            .position(|(known, _)| Arc::ptr_eq(known, &map));
        let inner = match known {
            Some(inner) => inner,
            None if self.inner.len() >= limits::REGIONS_MAX => return None,
            None => {
                self.inner.push((map, None));
                self.inner.len() - 1
            }
        };
        Some(Self::handle_address(PROGRAM_MAPS_MAX + inner))
    }

    fn key_address(&mut self, key: &[u8]) -> Option<u64> {
        let frame = self.depth.checked_sub(1)?;
        if key.len() > limits::KEY_BYTES_MAX {
            return None;
        }
        self.keys.write(frame, 0, key);
        Some(Space::address(region::KEYS, KEY_SHIFT, frame, 0))
    }

    fn show_reservation(&mut self, map: &Arc<Map>, reservation: Reservation) -> Option<u64> {
        let ring = map.ringbuf()?;
        let shape = Shape {
            start: reservation.offset(),
            window: reservation.len(),
            shift: 40,
            count: 1,
            rights: Rights::ReadWrite,
        };
        let Some(region) = self.fresh_region(Dynamic::Released) else {
            ring.discard(reservation, 0);
            return None;
        };
        self.space.put(region, ring.memory(), shape);
        self.dynamic[region - region::DYNAMIC] =
            Dynamic::Reservation(Arc::clone(map), Some(reservation));
        Some(Space::address(region, 0, 0, shape.start))
    }

    fn heap_grew(&mut self, heap: &Heap) {
        let slabs = heap.slabs();
        if slabs > self.slabs {
            heap.show(self.slabs, &mut self.space);
            self.slabs = slabs;
        }
    }

    fn show(&mut self, block: &Arc<Block>, shape: Shape) -> Option<u64> {
        let region = self.fresh_region(Dynamic::Shown)?;
        self.space.put(region, block, shape);
        Some(Space::address(region, 0, 0, shape.start))
    }

    fn hide(&mut self, address: u64) {
        let region = Space::region_of(address);
        let dynamic = region.checked_sub(region::DYNAMIC);
        if let Some(dynamic) = dynamic.and_then(|index| self.dynamic.get_mut(index))
            && matches!(dynamic, Dynamic::Shown)
        {
            *dynamic = Dynamic::Released;
            self.space.clear(region);
            self.stale.push_back(region);
        }
    }

    fn take_reservation(&mut self, address: u64) -> Option<(Arc<Map>, Reservation)> {
        let region = Space::region_of(address);
        let dynamic = self.dynamic.get_mut(region.checked_sub(region::DYNAMIC)?)?;
        let Dynamic::Reservation(map, reservation) = dynamic else {
            return None;
        };
        let start = reservation.as_ref()?.offset();
        if address != Space::address(region, 0, 0, start) {
            return None;
        }
        let taken = (Arc::clone(map), reservation.take()?);
        *dynamic = Dynamic::Released;
        self.space.clear(region);
        self.stale.push_back(region);
        Some(taken)
    }

    fn value_at(&self, address: u64) -> Option<(Arc<Map>, Element, usize)> {
        let region = Space::region_of(address);
        let map = if (region::VALUES..region::HEAP).contains(&region) {
            self.map_at(region - region::VALUES)?
        } else {
            match self.dynamic.get(region.checked_sub(region::DYNAMIC)?)? {
                Dynamic::Inner(inner) => &self.inner.get(*inner)?.0,
                _ => return None,
            }
        };
        let spot = self.space.spot(address);
        let offset = usize::try_from(spot.offset).ok()?;
        let inside = offset < map.spec().value_size as usize && spot.element < spot.count;
        let element = Element::at(u32::try_from(spot.element).ok()?);
        inside.then(|| (Arc::clone(map), element, offset))
    }

    fn code_of(&self, function: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        let code = self.installed.as_ref()?;
        let entry = function.wrapping_sub(Self::function_address(0));
        code.is_function(entry)
            .then(|| Arc::clone(code) as Arc<dyn Any + Send + Sync>)
    }

    fn object_type(&self, id: u64) -> Option<Arc<ObjectType>> {
        self.installed.as_ref()?.object_type(id)
    }

    fn packet_address(&self, position: usize) -> u64 {
        Space::address(self.packet, 0, 0, position)
    }

    fn packet_moved(&mut self, packet: &Packet) {
        if self.packet != 0 {
            self.space.clear(self.packet);
            self.dynamic[self.packet - region::DYNAMIC] = Dynamic::StalePacket;
            self.stale.push_back(self.packet);
        }
        // At least the region just made stale can be used again.
        self.packet = self
            .fresh_region(Dynamic::Packet)
            .expect("the packet's last region is free");
        self.show_packet(packet);
    }

    fn invoke(
        &mut self,
        world: &mut World,
        function: u64,
        argument: usize,
        args: [u64; 5],
    ) -> Result<u64, Fault> {
        let code = self.installed.clone();
        let entry = function.wrapping_sub(Self::function_address(0));
        let known = code.filter(|code| code.is_function(entry));
        let Some(code) = known else {
            return Err(Fault::Argument {
                argument,
                what: format!("is {function:#x}, not a function of the program"),
            });
        };
        interp::call(self, world, &code, entry as usize, args).map_err(Fault::Trap)
    }
}

/// How a map's values appear in the address space; `None` if there are too many of them.
pub(crate) fn shape(map: &Map, block: &Block) -> Option<Shape> {
    let rights = match (map.program_reads(), map.program_writes()) {
        (true, true) => Rights::ReadWrite,
        (true, false) => Rights::Read,
        (false, true) => Rights::Write,
        (false, false) => Rights::None,
    };
    let mut shape = Shape::whole(block, rights)?;
    shape.window = shape.window.min(map.spec().value_size as usize);
    Some(shape)
}
