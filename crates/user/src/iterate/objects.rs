//! The objects that iterators walk, as images by the kernel's types.

use std::sync::Arc;

use osmia_btf::value::lookup_path;
use osmia_btf::{Btf, Kind, TypeId};
use osmia_program::{Image, Pointer, Task, UpdateMode};
use osmia_vm::map::Map;
use osmia_vm::{Code, Identity};

use crate::Kernel;
use crate::attach::CgroupId;
use crate::bpf::IterTarget;
use crate::link::{Iterated, Link};
use crate::object::{MapRecord, ProgramRecord, Table};

/// What a run shows; the default one is the end, where nothing is left.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// Members of the context, and the image each points to.
    pub(super) members: Vec<(&'static str, usize)>,
    /// Members that are numbers.
    numbers: Vec<(&'static str, u64)>,
    pub(super) images: Vec<Image>,
    /// A value that programs may change.
    pub(super) store: Option<Store>,
}

/// A value of a map that goes back there.
#[derive(Debug)]
pub(super) struct Store {
    map: Arc<Map>,
    key: Vec<u8>,
    /// Which image it is.
    pub(super) image: usize,
}

impl Store {
    pub(super) fn write_back(&self, value: &[u8]) {
        // Somebody may have removed it meanwhile: then there is nothing to change.
        let _ = self.map.update_outside(&self.key, value, UpdateMode::Exist);
    }
}

impl Object {
    fn one(member: &'static str, images: Vec<Image>) -> Self {
        Self {
            members: vec![(member, 0)],
            images,
            ..Self::default()
        }
    }

    /// Writes the members that are no pointers.
    pub(super) fn put_numbers(&self, btf: &Btf, context: TypeId, bytes: &mut [u8]) {
        for (member, value) in &self.numbers {
            set(btf, context, bytes, member, *value);
        }
    }
}

/// Everything a link walks. Of what this machine has none of (sockets, files, memory), nothing.
pub(super) fn of(kernel: &Kernel, iterated: &Iterated) -> Vec<Object> {
    let Some(vmlinux) = kernel.vmlinux() else {
        return Vec::new();
    };
    let images = Images(&vmlinux.btf);
    match (iterated.target.as_str(), &iterated.map) {
        ("bpf_map_elem", Some(map)) => elements(&images, map.map()),
        ("bpf_map", _) => all(kernel.maps(), |map| {
            Object::one("map", vec![images.map(map)])
        }),
        ("bpf_prog", _) => all(kernel.programs(), |code| {
            Object::one("prog", images.program(code))
        }),
        ("bpf_link", _) => all(kernel.links(), |link| {
            Object::one("link", images.link(link))
        }),
        ("task", _) => tasks(&images, iterated.what),
        ("cgroup", _) => groups(kernel, &images, iterated.what),
        _ => Vec::new(),
    }
}

/// Every object of a table, by id.
fn all<T>(table: &Table<T>, show: impl Fn(&T) -> Object) -> Vec<Object> {
    let mut shown = Vec::new();
    let mut id = 0;
    while let Some(next) = table.after(id) {
        id = next;
        shown.extend(table.find(id).map(|object| show(&object)));
    }
    shown
}

fn elements(images: &Images<'_>, map: &Arc<Map>) -> Vec<Object> {
    let mut shown = Vec::new();
    let mut key = None;
    while let Ok(next) = map.next_key_outside(key.as_deref()) {
        if let Ok(value) = map.lookup_outside(&next) {
            let bytes = |name: &str, bytes: Vec<u8>, writable| Image {
                name: name.to_owned(),
                bytes,
                writable,
                ..Image::default()
            };
            shown.push(Object {
                members: vec![("map", 0), ("key", 1), ("value", 2)],
                images: vec![
                    images.map(map),
                    bytes("key", next.clone(), false),
                    bytes("value", value, true),
                ],
                store: Some(Store {
                    map: Arc::clone(map),
                    key: next.clone(),
                    image: 2,
                }),
                ..Object::default()
            });
        }
        key = Some(next);
    }
    shown
}

/// The one task there is, if it is asked for.
fn tasks(images: &Images<'_>, what: IterTarget) -> Vec<Object> {
    let task = Task::default();
    let wanted = match what {
        IterTarget::Task { tid, pid } => {
            (tid == 0 || tid == task.pid) && (pid == 0 || pid == task.tgid)
        }
        _ => true,
    };
    let shown = wanted.then(|| Object::one("task", vec![images.task(&task)]));
    shown.into_iter().collect()
}

fn groups(kernel: &Kernel, images: &Images<'_>, what: IterTarget) -> Vec<Object> {
    let IterTarget::Cgroup { cgroup_id, order } = what else {
        return Vec::new();
    };
    let walked = kernel.attachments().walk(CgroupId(cgroup_id), order);
    let shown = walked.into_iter();
    shown
        .map(|group| Object::one("cgroup", images.cgroup(group)))
        .collect()
}

/// Makes images by the kernel's types.
struct Images<'b>(&'b Btf);

impl Images<'_> {
    fn structure(&self, name: &str, identity: String, numbers: &[(&str, u64)]) -> Image {
        let btf = self.0;
        let ty = btf.find(name, Kind::Struct);
        let mut bytes = vec![0; ty.and_then(|ty| btf.size_of(ty)).unwrap_or(0) as usize];
        if let Some(ty) = ty {
            for (member, value) in numbers {
                set(btf, ty, &mut bytes, member, *value);
            }
        }
        Image {
            name: name.to_owned(),
            identity: Some(identity),
            bytes,
            ..Image::default()
        }
    }

    /// Puts text into a member that is an array of characters.
    fn name(&self, image: &mut Image, member: &str, text: &[u8]) {
        let ty = self.0.find(&image.name, Kind::Struct);
        let spot = ty.and_then(|ty| lookup_path(self.0, ty, member).ok());
        if let Some(spot) = spot {
            let room = self.0.size_of(spot.ty).unwrap_or(0) as usize;
            let at = spot.byte_offset() as usize;
            let count = text.len().min(room);
            if let Some(place) = image.bytes.get_mut(at..at + count) {
                place.copy_from_slice(&text[..count]);
            }
        }
    }

    /// Makes a member of the first image point to the second.
    fn joined(&self, mut first: Image, member: &str, second: Image) -> Vec<Image> {
        let ty = self.0.find(&first.name, Kind::Struct);
        if let Some(spot) = ty.and_then(|ty| lookup_path(self.0, ty, member).ok()) {
            first.pointers.push(Pointer {
                at: spot.byte_offset() as usize,
                image: 1,
                offset: 0,
            });
        }
        vec![first, second]
    }

    fn map(&self, map: &Map) -> Image {
        let spec = map.spec();
        let numbers = [
            ("map_type", u64::from(spec.kind.number())),
            ("key_size", spec.key_size.into()),
            ("value_size", spec.value_size.into()),
            ("max_entries", spec.max_entries.into()),
            ("map_flags", spec.flags.0.into()),
            ("id", map.id().into()),
        ];
        let mut image = self.structure("bpf_map", format!("bpf_map {}", map.id()), &numbers);
        self.name(&mut image, "name", &MapRecord::of(map).about.name);
        image
    }

    fn program(&self, code: &Code) -> Vec<Image> {
        let (program, about) = (code.program(), &ProgramRecord::of(code).about);
        let id = code.id();
        let numbers = [
            ("type", u64::from(program.hook.kind.number())),
            ("len", program.insns.len() as u64),
            ("expected_attach_type", about.attach.into()),
        ];
        let mut image = self.structure("bpf_prog", format!("bpf_prog {id}"), &numbers);
        self.name(&mut image, "tag", &ProgramRecord::of(code).tag());
        let numbers = [
            ("id", u64::from(id)),
            ("attach_btf_id", about.attach_to.btf_id.into()),
        ];
        let mut more = self.structure("bpf_prog_aux", format!("bpf_prog_aux {id}"), &numbers);
        self.name(&mut more, "name", &about.name);
        self.joined(image, "aux", more)
    }

    fn link(&self, link: &Link) -> Vec<Image> {
        let info = link.info();
        let numbers = [("id", u64::from(info.id)), ("type", info.kind.into())];
        let image = self.structure("bpf_link", format!("bpf_link {}", info.id), &numbers);
        match link.program() {
            Some(code) => {
                let mut programs = self.program(&code);
                for pointer in programs.iter_mut().flat_map(|image| &mut image.pointers) {
                    pointer.image += 1;
                }
                let aux = programs.pop();
                let program = programs.pop().expect("a program has two images");
                let mut images = self.joined(image, "prog", program);
                images.extend(aux);
                images
            }
            None => vec![image],
        }
    }

    fn task(&self, task: &Task) -> Image {
        let numbers = [("pid", u64::from(task.pid)), ("tgid", task.tgid.into())];
        let identity = format!("task_struct {}", task.pid);
        let mut image = self.structure("task_struct", identity, &numbers);
        self.name(&mut image, "comm", task.comm.as_bytes());
        image
    }

    fn cgroup(&self, group: CgroupId) -> Vec<Image> {
        let image = self.structure("cgroup", format!("cgroup {}", group.0), &[]);
        let node = self.structure(
            "kernfs_node",
            format!("kernfs_node {}", group.0),
            &[("id", group.0)],
        );
        self.joined(image, "kn", node)
    }
}

/// Sets a member that is a number; nothing if these types have no such member.
pub(super) fn set(btf: &Btf, ty: TypeId, bytes: &mut [u8], member: &str, value: u64) {
    let Ok(spot) = lookup_path(btf, ty, member) else {
        return;
    };
    let width = btf.size_of(spot.ty).unwrap_or(0).min(8) as usize;
    let at = spot.byte_offset() as usize;
    if let Some(place) = bytes.get_mut(at..at + width) {
        place.copy_from_slice(&value.to_le_bytes()[..width]);
    }
}
