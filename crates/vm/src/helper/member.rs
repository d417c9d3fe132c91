//! Helpers that look into kernel objects by the names of members, which the kernel's types place.

use std::ops::Range;

use osmia_btf::value::{lookup_path, set};
use osmia_btf::{Btf, Kind, TypeId};
use osmia_program::Errno;

use super::probe::{Whose, anywhere};
use super::{HelperFn, function, negative};
use crate::guest::{Call, Fault, Guest};
use crate::heap::{ObjectAccess, Tag};

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        147 => d_path,
        159 => bprm_opts_set,
        162 => sock_from_file,
        167 => btf_find_by_name_kind,
        180 => find_vma,
        _ => return None,
    })
}

/// Longest path, its zero included (`PATH_MAX`).
const PATH_BYTES_MAX: usize = 4096;
/// Longest name in a directory (`NAME_MAX`).
const NAME_BYTES_MAX: usize = 255;

/// A structure of the kernel's types.
///
/// # Errors
/// If there are no types, or they have none of this name.
pub(crate) fn structure<G: Guest>(
    call: &Call<'_, G>,
    name: &str,
) -> Result<(std::sync::Arc<Btf>, TypeId), Fault> {
    let types = call.world.env.types.clone();
    let found = types.and_then(|types| {
        let id = types.find(name, Kind::Struct)?;
        Some((types, id))
    });
    found.ok_or_else(|| Fault::Misuse {
        what: format!("needs `struct {name}` of a kernel's types"),
    })
}

/// Where a member is.
///
/// # Errors
/// If the types do not say.
pub(crate) fn offset<G: Guest>(call: &Call<'_, G>, name: &str, member: &str) -> Result<u64, Fault> {
    let (types, id) = structure(call, name)?;
    let spot = lookup_path(&types, id, member).map_err(|_| Fault::Misuse {
        what: format!("needs `{member}` in `struct {name}` of the kernel's types"),
    })?;
    Ok(spot.byte_offset())
}

fn pointer<G: Guest>(call: &Call<'_, G>, address: u64) -> Result<u64, Errno> {
    let mut word = [0; 8];
    match anywhere(call).read(Whose::Kernel, address, &mut word) {
        true => Ok(u64::from_ne_bytes(word)),
        false => Err(Errno::EFAULT),
    }
}

/// `bpf_d_path`: the length of the path with its zero.
fn d_path<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [path, _, size, ..] = call.args;
    let size = size as u32;
    if size == 0 {
        return Ok(0);
    }
    call.check_write(2, size)?;
    write_path(call, path, size as usize)
}

/// Writes the text of a `struct path` to where the second argument points: its length with its zero.
pub(crate) fn write_path<G: Guest>(
    call: &mut Call<'_, G>,
    path: u64,
    size: usize,
) -> Result<u64, Fault> {
    let members = Directories {
        first: offset(call, "path", "dentry")?,
        parent: offset(call, "dentry", "d_parent")?,
        name: offset(call, "dentry", "d_name.name")?,
    };
    let text = members.path(call, path).and_then(|text| {
        let fits = text.len() <= size;
        fits.then_some(text).ok_or(Errno::ENAMETOOLONG)
    });
    Ok(match text {
        Ok(text) => {
            call.write(2, &text)?;
            text.len() as u64
        }
        Err(errno) => negative(errno),
    })
}

/// The file a task runs; 0 without one.
pub(crate) fn file_of_task<G: Guest>(call: &Call<'_, G>, task: u64) -> Result<u64, Fault> {
    let (memory, file) = (
        offset(call, "task_struct", "mm")?,
        offset(call, "mm_struct", "exe_file")?,
    );
    let memory = pointer(call, task.wrapping_add(memory)).unwrap_or(0);
    Ok(match memory {
        0 => 0,
        memory => pointer(call, memory.wrapping_add(file)).unwrap_or(0),
    })
}

/// Members by which a path is followed up to the root.
struct Directories {
    first: u64,
    parent: u64,
    name: u64,
}

impl Directories {
    /// The path with its zero. What is described is one tree: nothing is mounted in it.
    fn path<G: Guest>(&self, call: &Call<'_, G>, path: u64) -> Result<Vec<u8>, Errno> {
        let mut entry = pointer(call, path.wrapping_add(self.first))?;
        let mut names = Vec::new();
        let mut bytes = 1;
        loop {
            let parent = pointer(call, entry.wrapping_add(self.parent))?;
            // The root is its own parent; a description may end without one.
            if parent == entry || (parent == 0 && !names.is_empty()) {
                break;
            }
            let mut name = [0; NAME_BYTES_MAX + 1];
            let at = pointer(call, entry.wrapping_add(self.name))?;
            let len = (anywhere(call).string(Whose::Kernel, at, &mut name)).ok_or(Errno::EFAULT)?;
            bytes += len;
            if bytes > PATH_BYTES_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            names.push(name[..len - 1].to_vec());
            if parent == 0 {
                break;
            }
            entry = parent;
        }
        let mut text = Vec::with_capacity(bytes);
        for name in names.iter().rev() {
            text.push(b'/');
            text.extend(name);
        }
        if text.is_empty() {
            text.push(b'/');
        }
        text.push(0);
        Ok(text)
    }
}

/// `bpf_bprm_opts_set`
fn bprm_opts_set<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    /// `BPF_F_BPRM_SECUREEXEC`
    const SECURE: u64 = 1;
    let flags = call.args[1];
    let object = call.object(1, "a program that is executed")?;
    let (types, id) = structure(call, "linux_binprm")?;
    if flags & !SECURE != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let size = types.size_of(id).unwrap_or(0) as usize;
    let mut bytes = vec![0; size.min(object.window())];
    object.read(0, &mut bytes);
    let written = set(&types, id, "secureexec", &flags.to_string(), &mut bytes);
    written.map_err(|_| Fault::Misuse {
        what: "needs `secureexec` in `struct linux_binprm` of the kernel's types".to_owned(),
    })?;
    object.write(0, &bytes);
    Ok(0)
}

/// `bpf_sock_from_file`: what the file's private data is, if that is a socket.
fn sock_from_file<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let at = offset(call, "file", "private_data")?;
    let private = pointer(call, call.args[0].wrapping_add(at)).unwrap_or(0);
    let object = call.world.runs.heap().object(private);
    let is_socket =
        object.is_some_and(|object| object.offset == 0 && &*object.tag.name == "socket");
    Ok(if is_socket { private } else { 0 })
}

/// `bpf_btf_find_by_name_kind`: the first type of that name and kind; there are no modules here.
fn btf_find_by_name_kind<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, size, kind, flags, _] = call.args;
    let name = call.bytes(1, size as u32 as usize)?;
    let found = match (name.split_last(), call.world.env.types.clone()) {
        (Some((0, name)), Some(types)) if !name.is_empty() && flags == 0 => {
            // As in C: the first zero ends it.
            let name = name.split(|byte| *byte == 0).next().unwrap_or(name);
            let name = std::str::from_utf8(name).unwrap_or_default();
            let is_asked_for =
                |id: &TypeId| types.type_at(*id).kind() as u64 == u64::from(kind as u32);
            let all = types.index().named(&types, name);
            let first = all.filter(is_asked_for).min_by_key(|id| id.0);
            first.ok_or(Errno::ENOENT)
        }
        _ => Err(Errno::EINVAL),
    };
    call.world.reuse(name);
    Ok(found.map_or_else(negative, |id| u64::from(id.0)))
}

/// `bpf_find_vma`: shows the area of the process' memory around an address to a function. Described
/// memory that touches is one area.
fn find_vma<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [task, address, callback, context, flags] = call.args;
    if flags != 0 {
        return Ok(negative(Errno::EINVAL));
    }
    let is_current = call.world.stage.current() == Some(task);
    let area = (call.world.stage.user.area(address)).filter(|_| is_current);
    let Some(area) = area else {
        return Ok(negative(Errno::ENOENT));
    };
    let Some(shown) = area_object(call, &area)? else {
        return Ok(negative(Errno::ENOMEM));
    };
    let result = function(call, callback, 3, [task, shown, context, 0, 0]);
    call.world.runs.heap().free(&call.world.runs, shown);
    result.map(|_| 0)
}

/// An object that tells of an area of memory; `None` if memory is short.
pub(crate) fn area_object<G: Guest>(
    call: &mut Call<'_, G>,
    area: &Range<u64>,
) -> Result<Option<u64>, Fault> {
    let (types, id) = structure(call, "vm_area_struct")?;
    let mut bytes = vec![0; types.size_of(id).unwrap_or(0) as usize];
    for (member, value) in [("vm_start", area.start), ("vm_end", area.end)] {
        let at = offset(call, "vm_area_struct", member)? as usize;
        if let Some(place) = bytes.get_mut(at..at + 8) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
    }
    let tag = Tag::named("vm_area_struct");
    let shown = call.allocate(bytes.len(), ObjectAccess::Read, tag);
    if let Some(object) = shown.and_then(|shown| call.world.runs.heap().object(shown)) {
        object.write(0, &bytes);
    }
    Ok(shown)
}
