//! What programs are run on: the benches' packet, every frame of two captures, or made-up contexts;
//! and what their maps hold before that.

use std::path::Path;

use osmia_program::context::{Context, context};
use osmia_program::{MapSpec, Program, ProgramKind};
use osmia_user::capture::{CaptureReader, Packet};

use crate::place::Error;

const CAPTURES: [&str; 2] = ["examples/ping.pcap", "tests/kernel/varied.pcap"];
const ETHERNET_BYTES: usize = 14;
/// Runs of programs that are given no packets.
const CONTEXT_RUNS: u64 = 4;

/// One run's input, as each side wants it.
pub(super) struct Input {
    /// The packet as our host takes it.
    pub(super) data: Vec<u8>,
    /// The context as our host takes it.
    pub(super) ctx: Vec<u8>,
    /// The Ethernet header that the kernel takes off the packet before the program sees it, and puts
    /// back as zeroes. Its test run gives socket filters the payload of the frame; on a packet socket,
    /// as here, they see the frame. So it is given a second header.
    pub(super) hidden: Vec<u8>,
    /// The context as the kernel takes it.
    pub(super) kernel_ctx: Vec<u8>,
}

impl Input {
    /// The packet as the kernel takes it.
    pub(super) fn kernel_data(&self) -> Vec<u8> {
        [self.hidden.as_slice(), &self.data].concat()
    }
}

/// An entry a map holds before the first run.
pub(super) struct Filling {
    pub(super) map: String,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// What the maps of a program of the benches hold; others start empty.
pub(super) fn filling(path: &Path, maps: &[MapSpec]) -> Vec<Filling> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let program = file.trim_end_matches(".bpf.o");
    let of_map = |spec: &MapSpec| {
        let map = spec.name.clone();
        let entries = osmia_benches::contents(program, &map).into_iter();
        entries.map(move |(key, value)| Filling {
            map: map.clone(),
            key,
            value,
        })
    };
    maps.iter().flat_map(of_map).collect()
}

pub(super) struct Inputs {
    frames: Vec<Vec<u8>>,
}

impl Inputs {
    pub(super) fn read(root: &Path) -> Result<Inputs, Error> {
        // The benches' own packet first: their maps are filled for it.
        let mut frames = vec![osmia_benches::packet()];
        for name in CAPTURES {
            let file = std::fs::File::open(root.join(name))?;
            let mut capture = CaptureReader::new(file)?;
            let mut packet = Packet::default();
            while capture.read(&mut packet)? {
                frames.push(packet.data.clone());
            }
        }
        Ok(Inputs { frames })
    }

    /// Socket buffers of the frames that have such a hidden header and such a packet.
    fn buffers<'a>(
        &'a self,
        parts: impl Fn(&'a [u8]) -> Option<(Vec<u8>, &'a [u8])>,
    ) -> Vec<Input> {
        let parts = self.frames.iter().filter_map(|frame| parts(frame));
        parts
            .enumerate()
            .map(|(number, (hidden, data))| {
                let ctx = socket_buffer(number, data.len() + hidden.len());
                Input {
                    data: data.to_vec(),
                    kernel_ctx: ctx.clone(),
                    ctx,
                    hidden,
                }
            })
            .collect()
    }

    /// The inputs of a program, at most so many, if its type has any.
    pub(super) fn of(&self, program: &Program, max: usize) -> Option<Vec<Input>> {
        let mut inputs = self.all(program.hook.kind)?;
        inputs.truncate(max);
        Some(inputs)
    }

    fn all(&self, kind: ProgramKind) -> Option<Vec<Input>> {
        match kind {
            ProgramKind::Xdp => Some(self.frames.iter().map(|frame| xdp(frame)).collect()),
            ProgramKind::SchedCls => Some(self.buffers(|frame| Some((Vec::new(), frame)))),
            ProgramKind::SocketFilter => Some(
                self.buffers(|frame| Some((frame.first_chunk::<ETHERNET_BYTES>()?.into(), frame))),
            ),
            ProgramKind::CgroupSkb
            | ProgramKind::LwtIn
            | ProgramKind::LwtOut
            | ProgramKind::LwtXmit => Some(self.buffers(internet)),
            ProgramKind::RawTracepoint | ProgramKind::Syscall => Some(
                (0..CONTEXT_RUNS)
                    .map(|run| {
                        let words = (0..8_u64).map(|word| (run + 1) * 0x0101_0203 * (word + 1));
                        let ctx: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
                        Input {
                            data: Vec::new(),
                            kernel_ctx: ctx.clone(),
                            ctx,
                            hidden: Vec::new(),
                        }
                    })
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// The header the kernel takes off a frame, and the packet of the Internet that follows, if one does.
fn internet(frame: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (header, packet) = frame.split_at_checked(ETHERNET_BYTES)?;
    let version = packet.first()? >> 4;
    let is_internet = matches!((&header[12..], version), ([8, 0], 4) | ([0x86, 0xdd], 6));
    is_internet.then(|| (header.to_vec(), packet))
}

/// The kernel wants to be told where the packet ends and says in return where it starts.
fn xdp(frame: &[u8]) -> Input {
    let mut kernel_ctx = vec![0; 24];
    kernel_ctx[4..8].copy_from_slice(&(frame.len() as u32).to_ne_bytes());
    Input {
        data: frame.to_vec(),
        ctx: Vec::new(),
        hidden: Vec::new(),
        kernel_ctx,
    }
}

/// A socket buffer with the fields set that a test run may set, for every other packet. Not
/// `gso_size`: helpers treat a packet that the hardware is to cut as another kind of packet.
fn socket_buffer(number: usize, bytes: usize) -> Vec<u8> {
    let Context::Fields(layout) = context(ProgramKind::SchedCls) else {
        return Vec::new();
    };
    let mut ctx = vec![0; layout.bytes as usize];
    if number.is_multiple_of(2) {
        return ctx;
    }
    for (name, value) in [
        ("mark", 0x1122_3344),
        ("priority", 7),
        ("ingress_ifindex", 1),
        ("ifindex", 1),
        ("tstamp", 123_456_789),
        ("wire_len", bytes as u32 + 10),
        ("gso_segs", 2),
    ] {
        set(
            &mut ctx,
            layout.field(name).map(|field| field.offset),
            value,
        );
    }
    let cb = layout.field("cb").map_or(0, |field| field.offset);
    for word in 0..5 {
        set(&mut ctx, Some(cb + 4 * word), 0xc0de_0000 + word);
    }
    ctx
}

fn set(ctx: &mut [u8], offset: Option<u32>, value: u32) {
    if let Some(offset) = offset {
        ctx[offset as usize..][..4].copy_from_slice(&value.to_ne_bytes());
    }
}
