//! Iterators: a program run for every object of a kind, printing to a file that somebody reads.
//!
//! What programs find are images of objects laid out by the kernel's types, with what is known here in
//! them (names, ids, sizes); values of maps are written back if a program changed them.

mod objects;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use osmia_btf::value::lookup_path;
use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::{Errno, Image, Pointer, Run, Scene, SceneMemory};
use osmia_vm::{Code, Layer};

use self::objects::Object;
use crate::Kernel;
use crate::kernel::lock;
use crate::limits::ITERATOR_BUFFER_BYTES;
use crate::link::Link;

/// What Linux 6.18 can walk, and whether its programs may sleep meanwhile.
const TARGETS: &[(&str, bool)] = &[
    ("bpf_link", true),
    ("bpf_map", true),
    ("bpf_map_elem", false),
    ("bpf_prog", true),
    ("bpf_sk_storage_map", false),
    ("cgroup", true),
    ("dmabuf", true),
    ("ipv6_route", false),
    ("kmem_cache", true),
    ("ksym", true),
    ("netlink", false),
    ("sockmap", false),
    ("task", true),
    ("task_file", true),
    ("task_vma", true),
    ("tcp", false),
    ("udp", false),
    ("unix", false),
];

/// True if there is such a target.
pub(crate) fn is_known(target: &str) -> bool {
    TARGETS.iter().any(|(known, _)| *known == target)
}

/// True if its programs may sleep.
pub(crate) fn may_sleep(target: &str) -> bool {
    TARGETS.contains(&(target, true))
}

/// An open file of an iterator.
#[derive(Debug)]
pub(crate) struct Reader {
    kernel: Arc<Kernel>,
    link: Arc<Link>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is walked; `None` before the first read.
    objects: Option<Vec<Object>>,
    next: usize,
    /// The program was told that nothing is left.
    ended: bool,
    /// Printed and not read.
    printed: VecDeque<u8>,
}

impl Reader {
    /// A file of a link; `EINVAL` if it is not of an iterator.
    pub(crate) fn new(kernel: &Arc<Kernel>, link: &Arc<Link>) -> Result<Self, Errno> {
        link.iterated()?;
        Ok(Self {
            kernel: Arc::clone(kernel),
            link: Arc::clone(link),
            state: Mutex::default(),
        })
    }

    /// At most so many bytes of what comes next. What was printed and left is given first, alone; else
    /// the walk goes on until there is enough, the buffer is full or nothing is left (`bpf_seq_read`).
    pub(crate) fn read(&self, bytes: usize) -> Result<Vec<u8>, Errno> {
        let mut state = lock(&self.state);
        if state.printed.is_empty() {
            self.walk(&mut state, bytes)?;
        }
        let count = state.printed.len().min(bytes);
        Ok(state.printed.drain(..count).collect())
    }

    fn walk(&self, state: &mut State, bytes: usize) -> Result<(), Errno> {
        let program = self.link.program().ok_or(Errno::EINVAL)?;
        let iterated = self.link.iterated()?;
        let State {
            objects,
            next,
            ended,
            printed,
        } = state;
        let objects = objects.get_or_insert_with(|| objects::of(&self.kernel, iterated));
        let end = Object::default();
        while !*ended && (printed.is_empty() || printed.len() < bytes) {
            let object = objects.get(*next).unwrap_or(&end);
            let number = *next as u64;
            let shown = show(&self.kernel, &program, &iterated.target, number, object)?;
            let too_long = printed.len() + shown.printed.len() > ITERATOR_BUFFER_BYTES;
            // An object that is to be shown again, or has no room now, comes with the next read.
            match (shown.again, too_long) {
                (true, _) if printed.is_empty() => return Err(Errno::EAGAIN),
                (_, true) if printed.is_empty() => return Err(Errno::E2BIG),
                (true, _) | (_, true) => return Ok(()),
                _ => {}
            }
            printed.extend(shown.printed);
            *ended = *next == objects.len();
            *next += 1;
        }
        Ok(())
    }
}

/// What a run for one object came to.
struct Shown {
    /// The program wants to be asked again.
    again: bool,
    printed: Vec<u8>,
}

/// Runs the program for one object.
fn show(
    kernel: &Kernel,
    program: &Arc<Code>,
    target: &str,
    number: u64,
    object: &Object,
) -> Result<Shown, Errno> {
    let vmlinux = kernel.vmlinux().ok_or(Errno::EINVAL)?;
    let btf = &vmlinux.btf;
    let context = btf.find(&format!("bpf_iter__{target}"), Kind::Struct);
    let context = context.ok_or(Errno::EINVAL)?;
    let mut run = Run {
        ctx: vec![0; btf.size_of(context).unwrap_or(0) as usize],
        scene: Arc::new(scene(btf, context, number, object)),
        ..Run::default()
    };
    object.put_numbers(btf, context, &mut run.ctx);
    kernel
        .run(None, program, Layer::Ethernet, &mut run)
        .map_err(|_| Errno::EFAULT)?;
    if let Some(store) = &object.store {
        let changed = run.changed.iter().find(|changed| {
            matches!(changed.memory, SceneMemory::Image(at) if at == FIRST_IMAGE + store.image)
        });
        if let Some(changed) = changed {
            store.write_back(&changed.bytes);
        }
    }
    Ok(Shown {
        again: run.retval == 1,
        printed: run.sequence,
    })
}

/// Images that every context has: where the iteration stands, and the file.
const META: usize = 0;
const FILE: usize = 1;
/// Where an object's own begin.
const FIRST_IMAGE: usize = 2;

fn scene(btf: &Btf, context: TypeId, number: u64, object: &Object) -> Scene {
    let pointee = |ty: TypeId, member: &str| {
        let spot = lookup_path(btf, ty, member).ok()?;
        match btf.resolve(spot.ty).body() {
            Body::Ptr(to) => Some((spot.byte_offset() as usize, to)),
            _ => None,
        }
    };
    let meta = pointee(context, "meta");
    let bytes_of = |ty: TypeId| btf.size_of(ty).unwrap_or(8) as usize;
    let mut about = Image {
        name: "bpf_iter_meta".to_owned(),
        bytes: vec![0; meta.map_or(8, |(_, ty)| bytes_of(ty))],
        ..Image::default()
    };
    let mut file = Image {
        name: "seq_file".to_owned(),
        bytes: vec![0; 8],
        ..Image::default()
    };
    let mut pointers = Vec::new();
    if let Some((at, ty)) = meta {
        pointers.push(to_image(at, META));
        if let Some((at, seq)) = pointee(ty, "seq") {
            about.pointers.push(to_image(at, FILE));
            file.bytes = vec![0; bytes_of(seq)];
        }
        objects::set(btf, ty, &mut about.bytes, "seq_num", number);
    }
    for (member, image) in &object.members {
        if let Some((at, _)) = pointee(context, member) {
            pointers.push(to_image(at, FIRST_IMAGE + image));
        }
    }
    let own = object.images.iter().cloned().map(|mut image| {
        for pointer in &mut image.pointers {
            pointer.image += FIRST_IMAGE;
        }
        image
    });
    Scene {
        images: [about, file].into_iter().chain(own).collect(),
        pointers,
        sequence: Some(FILE),
        ..Scene::default()
    }
}

fn to_image(at: usize, image: usize) -> Pointer {
    Pointer {
        at,
        image,
        offset: 0,
    }
}
