//! What objects are known by: pids of tasks, ids of control groups, numbers of inodes. Programs find
//! them by these.

use osmia_btf::value::lookup_path;
use osmia_btf::{Btf, Kind, TypeId};
use osmia_program::{Image, Known};

use super::layout::{Buffer, Builder};

/// The control groups a task is in, from the root down, as objects; what a task's `cgroups` points to.
pub(super) fn group_set(builder: &mut Builder<'_>, btf: &Btf, ids: &[u64]) -> Option<usize> {
    let group = Shape::of(btf, "cgroup")?;
    let node = Shape::of(btf, "kernfs_node")?;
    let ancestors = group.offset("ancestors")?;
    let mut path: Vec<usize> = Vec::new();
    for (level, id) in ids.iter().enumerate() {
        let bytes = group.bytes.max(ancestors + (level + 1) * 8);
        let image = builder.image("cgroup", bytes);
        let buffer = Buffer::Image(image);
        group.set(builder, image, "level", &level.to_string());
        let kernfs = builder.image("kernfs_node", node.bytes);
        node.set(builder, kernfs, "id", &id.to_string());
        let above = path.last().copied();
        path.push(image);
        let state = [
            ("kn", Some(kernfs)),
            ("self.cgroup", Some(image)),
            ("self.parent", above),
        ];
        for (member, to) in state {
            if let (Some(at), Some(to)) = (group.offset(member), to) {
                builder.point(buffer, at, to);
            }
        }
        for (level, ancestor) in path.iter().enumerate() {
            builder.point(buffer, ancestors + level * 8, *ancestor);
        }
    }
    let set = Shape::of(btf, "css_set")?;
    let image = builder.image("css_set", set.bytes);
    builder.point(Buffer::Image(image), set.offset("dfl_cgrp")?, *path.last()?);
    Some(image)
}

/// Finds out what the objects of a scene are known by.
pub(super) fn recognise(builder: &mut Builder<'_>) {
    let Some(btf) = builder.kernel else { return };
    let images = &mut builder.scene.images;
    // Tasks come last: what group they are in says the group.
    for name in ["inode", "cgroup", "task_struct"] {
        let Some(shape) = Shape::of(btf, name) else {
            continue;
        };
        for index in 0..images.len() {
            if images[index].name != name {
                continue;
            }
            let known = match name {
                "inode" => number(images, index, shape, "i_ino"),
                "cgroup" => group(images, index, shape),
                _ => task(images, index, shape),
            };
            let Some(known) = known.filter(|known| known.number != 0) else {
                continue;
            };
            let identity = format!("{name} {}", known.number);
            let image = &mut images[index];
            image.identity.get_or_insert(identity);
            image.known = Some(known);
        }
    }
}

fn number(images: &[Image], index: usize, shape: Shape<'_>, member: &str) -> Option<Known> {
    let number = shape.number(&images[index], member)?;
    Some(Known {
        number,
        ..Known::default()
    })
}

fn group(images: &[Image], index: usize, shape: Shape<'_>) -> Option<Known> {
    let node = Shape::of(shape.btf, "kernfs_node")?;
    let id = |index: usize| {
        let image = &images[index];
        node.number(&images[shape.pointer(image, "kn")?], "id")
    };
    let mut groups = vec![id(index)?];
    let mut below = index;
    // A description may lead round in a circle.
    for _ in 0..images.len() {
        let Some(above) = shape.pointer(&images[below], "self.parent") else {
            break;
        };
        let Some(id) = id(above) else { break };
        groups.push(id);
        below = above;
    }
    groups.reverse();
    Some(Known {
        number: id(index)?,
        process: 0,
        groups,
    })
}

fn task(images: &[Image], index: usize, shape: Shape<'_>) -> Option<Known> {
    let image = &images[index];
    let pid = shape.number(image, "pid")?;
    let process = shape.number(image, "tgid").filter(|process| *process != 0);
    let set = Shape::of(shape.btf, "css_set");
    let group = shape
        .pointer(image, "cgroups")
        .and_then(|found| set?.pointer(&images[found], "dfl_cgrp"));
    let groups = group.and_then(|group| images[group].known.as_ref());
    Some(Known {
        number: pid,
        process: process.unwrap_or(pid),
        groups: groups.map_or_else(Vec::new, |known| known.groups.clone()),
    })
}

/// A structure of the kernel.
#[derive(Copy, Clone)]
struct Shape<'a> {
    btf: &'a Btf,
    ty: TypeId,
    bytes: usize,
}

impl<'a> Shape<'a> {
    fn of(btf: &'a Btf, name: &str) -> Option<Self> {
        let ty = btf.find(name, Kind::Struct)?;
        let bytes = btf.size_of(ty)? as usize;
        Some(Self { btf, ty, bytes })
    }

    fn offset(&self, member: &str) -> Option<usize> {
        let spot = lookup_path(self.btf, self.ty, member).ok()?;
        Some(spot.byte_offset() as usize)
    }

    fn set(&self, builder: &mut Builder<'_>, image: usize, member: &str, value: &str) {
        let bytes = builder.bytes(Buffer::Image(image));
        // A member that these types do not have is none to fill.
        let _ = osmia_btf::value::set(self.btf, self.ty, member, value, bytes);
    }

    /// What a member of at most eight bytes holds.
    fn number(&self, image: &Image, member: &str) -> Option<u64> {
        let spot = lookup_path(self.btf, self.ty, member).ok()?;
        let (at, size) = (
            spot.byte_offset() as usize,
            self.btf.size_of(spot.ty)? as usize,
        );
        let bytes = image.bytes.get(at..at + size)?;
        let mut word = [0; 8];
        word.get_mut(..size)?.copy_from_slice(bytes);
        Some(u64::from_ne_bytes(word))
    }

    /// Which image a member points to.
    fn pointer(&self, image: &Image, member: &str) -> Option<usize> {
        let at = self.offset(member)?;
        let found = image.pointers.iter().find(|pointer| pointer.at == at);
        found.map(|pointer| pointer.image)
    }
}
