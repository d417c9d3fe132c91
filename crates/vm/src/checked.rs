//! The interpreter's memory: regions of one run and what each of them is.

use std::collections::VecDeque;
use std::sync::Arc;

use osmia_program::context::Context;
use osmia_program::limits::{CALL_FRAMES_MAX, PROGRAM_MAPS_MAX, STACK_BYTES};

use crate::code::Code;
use crate::guest::{Fault, Guest};
use crate::interp;
use crate::limits;
use crate::memory::{Block, Rights, Shape, Space};
use crate::packet::Packet;
use crate::trap::Target;
use crate::world::World;

/// Regions with fixed numbers.
pub(crate) mod region {
    use super::PROGRAM_MAPS_MAX;

    pub(crate) const STACK: usize = 1;
    pub(crate) const CONTEXT: usize = 2;
    /// Addresses that name functions: the offset is the operation's position.
    pub(crate) const FUNCTIONS: usize = 4;
    /// Values of the program's maps.
    pub(crate) const VALUES: usize = 8;
    /// Everything that comes and goes during a run.
    pub(crate) const DYNAMIC: usize = VALUES + PROGRAM_MAPS_MAX;
}

/// Address distance of frames: a frame, and a gap as long behind it.
const FRAME_SHIFT: u32 = (STACK_BYTES as u32 * 2).trailing_zeros();
/// Address distance of functions.
const FUNCTION_SHIFT: u32 = 0;

/// What a region that comes and goes is.
#[derive(Clone, Debug)]
enum Dynamic {
    Packet,
    Stale,
}

/// The memory of a run.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) space: Space,
    stack: Arc<Block>,
    /// The code whose maps the regions show.
    installed: Option<Arc<Code>>,
    dynamic: Vec<Dynamic>,
    /// Regions whose addresses are stale, oldest first, to be used again when none are left.
    stale: VecDeque<usize>,
    packet: usize,
    /// Function frames in use.
    pub(crate) depth: usize,
    /// Most frames used since the stack was last cleared.
    pub(crate) depth_max: usize,
    /// Instructions left.
    pub(crate) left: u64,
    /// Tail calls left.
    pub(crate) tail_calls_left: u32,
    /// The last call of a helper that returned null: position of the operation.
    pub(crate) null_from: Option<usize>,
}

impl Checked {
    pub(crate) fn new() -> Option<Self> {
        let stack = Arc::new(Block::new(CALL_FRAMES_MAX, STACK_BYTES)?);
        let mut space = Space::new();
        let shape = Shape {
            start: 0,
            window: STACK_BYTES,
            shift: FRAME_SHIFT,
            count: CALL_FRAMES_MAX,
            rights: Rights::ReadWrite,
        };
        space.put(region::STACK, &stack, shape);
        Some(Self {
            space,
            stack,
            installed: None,
            dynamic: Vec::new(),
            stale: VecDeque::new(),
            packet: 0,
            depth: 0,
            depth_max: 0,
            left: 0,
            tail_calls_left: 0,
            null_from: None,
        })
    }

    /// Makes everything ready for a run of `code` on what `world` holds.
    pub(crate) fn begin(&mut self, code: &Arc<Code>, world: &World) {
        self.install(code);
        for frame in 0..self.depth_max {
            self.stack.clear(frame);
        }
        self.depth = 0;
        self.depth_max = 0;
        self.left = world.env.insns_max;
        self.tail_calls_left = osmia_program::limits::TAIL_CALLS_MAX;
        self.null_from = None;
        self.space.truncate(region::DYNAMIC);
        self.dynamic.clear();
        self.stale.clear();
        self.packet = 0;
        self.show_context(world);
        self.packet_moved(&world.packet);
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
        self.installed = Some(Arc::clone(code));
    }

    fn show_context(&mut self, world: &World) {
        let rights = match world.context.kind() {
            Context::Arguments { writable: true } | Context::Bytes { writable: true, .. } => {
                Rights::ReadWrite
            }
            Context::Arguments { .. } | Context::Bytes { .. } => Rights::Read,
            // Their fields are rewritten: see `context::load`.
            Context::Fields(_) | Context::Unknown => Rights::None,
        };
        let shape = Shape {
            start: 0,
            window: world.context.len(),
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

    /// Address of a function by the position of its first operation.
    pub(crate) fn function_address(op: usize) -> u64 {
        Space::address(region::FUNCTIONS, FUNCTION_SHIFT, op, 0)
    }

    /// Address of a position in the packet's buffer.
    pub(crate) fn packet_address(&self, position: usize) -> u64 {
        Space::address(self.packet, 0, 0, position)
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

    /// What an address means, for messages.
    pub(crate) fn target(&self, address: u64, world: &World) -> Target {
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
                offset: spot.offset,
                bytes: world.context.len() as u64,
            },
            region::FUNCTIONS => Target::Function,
            region => match self.dynamic.get(region.wrapping_sub(region::DYNAMIC)) {
                Some(Dynamic::Packet) => Target::Packet {
                    offset: address.wrapping_sub(self.packet_address(world.packet.data())) as i64,
                    len: world.packet.len() as u64,
                },
                Some(Dynamic::Stale) => Target::StalePacket,
                None => Target::Number(address),
            },
        }
    }
}

impl Guest for Checked {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        self.space.read(address, out).is_some()
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.space.write(address, bytes).is_some()
    }

    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool {
        self.space.allows(address, bytes, write)
    }

    fn is_context(&self, address: u64) -> bool {
        address == Self::context_address()
    }

    fn packet_moved(&mut self, packet: &Packet) {
        if self.packet != 0 {
            self.space.clear(self.packet);
            self.dynamic[self.packet - region::DYNAMIC] = Dynamic::Stale;
            self.stale.push_back(self.packet);
        }
        // At least the region just made stale can be used again.
        self.packet = self
            .fresh_region(Dynamic::Packet)
            .expect("the packet's last region is free");
        let shape = Shape {
            start: packet.meta(),
            window: packet.end() - packet.meta(),
            shift: 40,
            count: 1,
            rights: Rights::ReadWrite,
        };
        self.space.put(self.packet, packet.block(), shape);
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
