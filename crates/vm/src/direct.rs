//! The memory of native runs: real addresses, nothing looked up and nothing checked.
//!
//! Like [`crate::checked`] for the interpreter. A map's handle is where the program keeps its
//! reference to it; an element's, the packet's and the context's addresses are where they lie.

use std::any::Any;
use std::sync::Arc;

use osmia_program::limits::{CALL_FRAMES_MAX, STACK_BYTES, TAIL_CALLS_MAX};

use crate::checked::{Checked, not_a_map};
use crate::code::{Code, CodeMap};
use crate::fields::ObjectType;
use crate::guest::{Fault, Guest};
use crate::heap::Heap;
use crate::limits;
use crate::map::{Element, Map, Reservation};
use crate::memory::{Block, Real, Shape, Space};
use crate::native::{Native, Running};
use crate::packet::Packet;
use crate::ready::Ready;
use crate::world::World;

/// Frames there is room for: every tail call may go on in a program that calls functions anew.
pub(crate) const FRAMES: usize = (TAIL_CALLS_MAX as usize + 1) * CALL_FRAMES_MAX;

/// What native code reads and writes by itself: see [`crate::native::layout`].
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Head {
    pub(crate) ended: u32,
    /// Not zero if the machine did something in this run that the next one must not find.
    pub(crate) touched: u32,
    pub(crate) slot: u32,
    pub(crate) helper: u64,
    pub(crate) stack_pointer: u64,
    pub(crate) frame_pointer: u64,
    pub(crate) frame: u64,
    pub(crate) running: u64,
    pub(crate) result: u64,
    pub(crate) stop: u64,
    pub(crate) context: u64,
    pub(crate) cpu: u64,
    pub(crate) packet_start: u64,
    pub(crate) packet_end: u64,
    pub(crate) packet_meta: u64,
}

/// Where a tail call goes to.
pub(crate) enum Tail {
    /// On behind the call.
    Nowhere,
    /// To code at an address.
    Native(u64),
    /// To a program without a native form; `returned` is where native code returns its result.
    Interpreted { target: Arc<Code>, returned: u64 },
}

/// The memory of native runs.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) head: Head,
    /// Set while a verified program runs, or is ready to.
    real: Option<Real>,
    /// The program that is ready to run.
    pub(crate) ready: Ready,
    /// Frames of the program's functions, the first one last.
    pub(crate) stack: Block,
    /// The programs of this run, the latest last: maps are known by where these keep them.
    codes: Vec<Arc<Code>>,
    /// Inner maps met in this run. Their handles are where they lie themselves.
    inner: Vec<Arc<Map>>,
    reservations: Vec<(u64, Arc<Map>, Reservation)>,
    /// Objects of the heap, which have the addresses they have in the interpreter.
    pub(crate) space: Space,
    /// Slabs of the heap that are in it.
    slabs: usize,
    /// Keys shown to callbacks, one a call back.
    keys: Block,
    /// Calls back going on.
    calls_back: usize,
    /// Memory that helpers lent, and where it begins.
    lent: Vec<(u64, Arc<Block>)>,
    packet: u64,
    packet_bytes: u64,
    pub(crate) context_bytes: u64,
    /// Why the program was ended, and by which helper.
    end: Option<(&'static str, Fault)>,
    pub(crate) tail_calls_left: u32,
}

/// True for addresses of the heap's objects: real ones have 47 bits.
#[inline]
fn is_of_heap(address: u64) -> bool {
    Space::region_of(address) != 0
}

fn address_of(map: &Arc<Map>) -> u64 {
    Arc::as_ptr(map).addr() as u64
}

fn start_of(block: &Block) -> u64 {
    block.base().addr().get() as u64
}

impl Direct {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            head: Head::default(),
            real: None,
            ready: Ready::default(),
            stack: Block::new(FRAMES, STACK_BYTES)?,
            codes: Vec::new(),
            inner: Vec::new(),
            reservations: Vec::new(),
            space: Space::new(),
            slabs: 0,
            keys: Block::new(CALL_FRAMES_MAX, limits::KEY_BYTES_MAX)?,
            calls_back: 0,
            lent: Vec::new(),
            packet: 0,
            packet_bytes: 0,
            context_bytes: 0,
            end: None,
            tail_calls_left: 0,
        })
    }

    /// Prepares everything for runs of a program on what the world holds now.
    pub(crate) fn begin(&mut self, code: &Arc<Code>, native: &dyn Native, world: &World) {
        self.real = Some(native.memory());
        if !matches!(&self.codes[..], [known] if Arc::ptr_eq(known, code)) {
            self.codes.clear();
            self.codes.push(Arc::clone(code));
        }
        self.inner.clear();
        self.lent.clear();
        self.end = None;
        self.calls_back = 0;
        self.tail_calls_left = TAIL_CALLS_MAX;
        self.show_heap(world.runs.heap());
        self.context_bytes = world.context.len() as u64;
        self.packet_moved(&world.packet);
        let frame_pointer = self.frame_pointer();
        let head = &mut self.head;
        (head.ended, head.touched) = (0, 0);
        head.stop = world.stop.address();
        head.context = start_of(world.context.block());
        head.cpu = world.env.cpu.into();
        head.frame_pointer = frame_pointer;
        self.prepared(code, native);
    }

    /// The frame pointer that programs begin with.
    pub(crate) fn frame_pointer(&self) -> u64 {
        start_of(&self.stack) + (FRAMES * STACK_BYTES) as u64
    }

    /// Ends a run that left something behind: reservations the program did not give back would block the
    /// ring's reader.
    pub(crate) fn end(&mut self) {
        self.unready();
        self.real = None;
        for (_, map, reservation) in self.reservations.drain(..) {
            if let Some(ring) = map.ringbuf() {
                ring.discard(reservation, 0);
            }
        }
    }

    /// Lets go of the programs that ran last.
    pub(crate) fn release(&mut self) {
        self.end();
        self.codes.clear();
        self.inner.clear();
        self.lent.clear();
    }

    /// The program that runs now.
    pub(crate) fn running(&self) -> Option<&Arc<Code>> {
        self.codes.last()
    }

    /// Native code ends at its next look.
    pub(crate) fn end_with(&mut self, helper: &'static str, fault: Fault) {
        self.head.ended = 1;
        self.end = Some((helper, fault));
    }

    /// Why the program was ended, if it was.
    pub(crate) fn take_end(&mut self) -> Option<(&'static str, Fault)> {
        self.end.take()
    }

    /// Where the program in a slot begins.
    ///
    /// # Errors
    /// If the argument is no array of programs.
    pub(crate) fn tail_target(&mut self, handle: u64, index: u32) -> Result<Tail, Fault> {
        let map = self.map(handle).ok_or_else(|| not_a_map(handle, 2))?;
        let Some(target) = map.program_at::<Code>(index) else {
            return Ok(Tail::Nowhere);
        };
        if self.tail_calls_left == 0 {
            return Ok(Tail::Nowhere);
        }
        self.tail_calls_left -= 1;
        let Some(native) = target.native() else {
            let running = self.running().and_then(|code| code.native());
            let returned = running.expect("machine code runs").returned();
            return Ok(Tail::Interpreted { target, returned });
        };
        if native.demands().context_bytes as u64 > self.context_bytes {
            let what = "goes to a program that uses more of the context than there is".to_owned();
            return Err(Fault::Misuse { what });
        }
        let entry = native.entry();
        self.codes.push(target);
        Ok(Tail::Native(entry))
    }

    /// The interpreter ran a program on the same world.
    pub(crate) fn interpreted(&mut self, world: &World) {
        self.packet_moved(&world.packet);
        self.show_heap(world.runs.heap());
    }

    /// Shows slabs that the heap got meanwhile.
    #[inline]
    pub(crate) fn show_heap(&mut self, heap: &Heap) {
        let slabs = heap.slabs();
        if slabs > self.slabs {
            heap.show(self.slabs, &mut self.space);
            self.slabs = slabs;
        }
    }

    /// The frame pointer of the function that called the helper which calls back.
    fn frame_below(&self) -> u64 {
        self.head.frame - STACK_BYTES as u64
    }

    /// Maps of this run.
    fn maps(&self) -> impl Iterator<Item = &Arc<Map>> {
        let own = self.codes.iter().flat_map(|code| code.maps());
        own.chain(&self.inner)
    }

    /// True if all these bytes are memory of the run: what probing helpers may read.
    pub(crate) fn is_own(&self, address: u64, bytes: u64) -> bool {
        let within = |start: u64, len: u64| {
            address
                .checked_sub(start)
                .and_then(|offset| offset.checked_add(bytes))
                .is_some_and(|end| end <= len)
        };
        let whole = |block: &Block| (block.stride() * block.count()) as u64;
        let in_values = |map: &Arc<Map>| {
            let values = map.values();
            values.is_some_and(|block| within(start_of(block), whole(block)))
        };
        within(start_of(&self.stack), whole(&self.stack))
            || within(start_of(&self.keys), whole(&self.keys))
            || within(self.head.context, self.context_bytes)
            || within(self.packet, self.packet_bytes)
            || (self.lent.iter()).any(|(start, block)| within(*start, block.window() as u64))
            || (self.reservations.iter()).any(|(start, _, held)| within(*start, held.len() as u64))
            || self.maps().any(in_values)
    }

    /// Reads what is memory of the run; false, and nothing read, if it is not.
    pub(crate) fn read_own(&self, address: u64, out: &mut [u8]) -> bool {
        self.is_own(address, out.len() as u64) && self.real().read(address, out)
    }

    /// Writes what is memory of the run.
    pub(crate) fn write_own(&mut self, address: u64, bytes: &[u8]) {
        if self.is_own(address, bytes.len() as u64) {
            self.real().write(address, bytes);
        }
    }

    pub(crate) fn real(&self) -> Real {
        self.real.expect("helpers are called during runs")
    }
}

impl Guest for Direct {
    #[inline]
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        if is_of_heap(address) {
            return self.space.read(address, out).is_some();
        }
        self.real().read(address, out)
    }

    fn probe(&self, address: u64, out: &mut [u8]) -> bool {
        if is_of_heap(address) {
            return self.space.read(address, out).is_some();
        }
        self.read_own(address, out)
    }

    #[inline]
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        if is_of_heap(address) {
            return self.space.write(address, bytes).is_some();
        }
        self.real().write(address, bytes)
    }

    #[inline]
    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool {
        if is_of_heap(address) {
            return self.space.allows(address, bytes, write);
        }
        self.real().allows(address, bytes)
    }

    fn is_context(&self, address: u64) -> bool {
        address == self.head.context
    }

    #[inline]
    fn map(&self, handle: u64) -> Option<&Arc<Map>> {
        for code in self.codes.iter().rev() {
            let first = code.maps.as_ptr().addr() as u64;
            let distance = handle.wrapping_sub(first) as usize;
            if let Some(map) = code.maps.get(distance / size_of::<CodeMap>()) {
                return Some(&map.map);
            }
        }
        self.inner.iter().find(|map| address_of(map) == handle)
    }

    #[inline]
    fn element_address(&mut self, handle: u64, element: Element) -> Option<u64> {
        let values = self.map(handle)?.values()?;
        Some(values.address(element.index()).addr().get() as u64)
    }

    fn inner_handle(&mut self, map: Arc<Map>) -> Option<u64> {
        let handle = address_of(&map);
        if !self.inner.iter().any(|known| Arc::ptr_eq(known, &map)) {
            self.inner.push(map);
        }
        Some(handle)
    }

    fn key_address(&mut self, key: &[u8]) -> Option<u64> {
        let index = self.calls_back.min(CALL_FRAMES_MAX - 1);
        self.keys.write(index, 0, key);
        Some(self.keys.address(index).addr().get() as u64)
    }

    fn show_reservation(&mut self, map: &Arc<Map>, reservation: Reservation) -> Option<u64> {
        let address = start_of(map.ringbuf()?.memory()) + reservation.offset() as u64;
        let held = (address, Arc::clone(map), reservation);
        self.reservations.push(held);
        Some(address)
    }

    fn take_reservation(&mut self, address: u64) -> Option<(Arc<Map>, Reservation)> {
        let mut held = self.reservations.iter();
        let at = held.position(|(start, ..)| *start == address)?;
        let (_, map, reservation) = self.reservations.swap_remove(at);
        Some((map, reservation))
    }

    fn heap_grew(&mut self, heap: &Heap) {
        self.show_heap(heap);
    }

    fn show(&mut self, block: &Arc<Block>, shape: Shape) -> Option<u64> {
        let address = start_of(block) + shape.start as u64;
        self.lent.push((address, Arc::clone(block)));
        Some(address)
    }

    fn hide(&mut self, address: u64) {
        self.lent.retain(|(start, _)| *start != address);
    }

    fn value_at(&self, address: u64) -> Option<(Arc<Map>, Element, usize)> {
        self.maps().find_map(|map| {
            let values = map.values()?;
            let distance = address.checked_sub(start_of(values))? as usize;
            let (element, offset) = (distance / values.stride(), distance % values.stride());
            let inside = element < values.count() && offset < map.spec().value_size as usize;
            inside.then(|| (Arc::clone(map), Element::at(element as u32), offset))
        })
    }

    fn code_of(&self, function: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        let code = self.running()?;
        let entry = function.wrapping_sub(Checked::function_address(0));
        code.is_function(entry)
            .then(|| Arc::clone(code) as Arc<dyn Any + Send + Sync>)
    }

    fn object_type(&self, id: u64) -> Option<Arc<ObjectType>> {
        self.running()?.object_type(id)
    }

    fn packet_address(&self, position: usize) -> u64 {
        self.packet + position as u64
    }

    #[inline]
    fn packet_moved(&mut self, packet: &Packet) {
        self.packet = start_of(packet.block());
        self.packet_bytes = packet.end() as u64;
        self.head.packet_start = self.packet + packet.shown_start() as u64;
        self.head.packet_end = self.packet + packet.shown_end() as u64;
        self.head.packet_meta = self.packet + packet.meta() as u64;
    }

    fn invoke(
        &mut self,
        world: &mut World,
        function: u64,
        argument: usize,
        args: [u64; 5],
    ) -> Result<u64, Fault> {
        if world.stop.is_asked() {
            return Err(self.stopped());
        }
        let code = Arc::clone(self.running().expect("a program calls"));
        let native = code.native().expect("machine code runs");
        let Some(entry) = native.function(function) else {
            return Err(Fault::Argument {
                argument,
                what: format!("is {function:#x}, not a function of the program"),
            });
        };
        let (frame, running) = (self.head.frame, self.head.running);
        let frame_pointer = self.frame_below();
        self.calls_back += 1;
        let mut below = Running {
            direct: self,
            world,
            memory: None,
        };
        let value = native.enter(&mut below, frame_pointer, entry, &args);
        self.calls_back -= 1;
        (self.head.frame, self.head.running) = (frame, running);
        self.result(value)
    }
}
