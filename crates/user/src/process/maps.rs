//! Making maps (`map_create` of Linux 6.18).

use std::sync::Arc;

use osmia_btf::{Btf, TypeId};
use osmia_program::{Errno, MapBtf, MapFlags, MapKind, MapSpec};

use super::{Access, File, Process, user_pointers};
use crate::bpf::{Fd, MapCreate, MapFreeze, MapSizes};
use crate::limits;
use crate::object::{BtfObject, MapAbout, MapRecord, checked_name};

/// `BPF_F_TOKEN_FD`.
const TOKEN_FD: u32 = 1 << 16;

impl Process {
    /// `BPF_MAP_CREATE`.
    pub fn map_create(&self, asked: &MapCreate<'_>) -> Result<Fd, Errno> {
        let kind = MapKind::from_number(asked.kind);
        let is = |other| kind == Some(other);
        if asked.btf_vmlinux_value_type_id != 0 {
            if !is(MapKind::StructOps) || asked.btf_key_type_id != 0 || asked.btf_value_type_id != 0
            {
                return Err(Errno::EINVAL);
            }
        } else if asked.btf_key_type_id != 0 && asked.btf_value_type_id == 0 {
            return Err(Errno::EINVAL);
        }
        if !is(MapKind::BloomFilter) && !is(MapKind::Arena) && asked.map_extra != 0 {
            return Err(Errno::EINVAL);
        }
        let access = Access::from_flags(asked.flags)?;
        let numa_node = (asked.flags & MapFlags::NUMA_NODE != 0).then_some(asked.numa_node);
        // This machine has one node; the largest number means any.
        if numa_node.is_some_and(|node| node != 0 && node != u32::MAX) {
            return Err(Errno::EINVAL);
        }
        let kind = kind
            .filter(|&kind| kind != MapKind::Unspec)
            .ok_or(Errno::EINVAL)?;
        // Loaders put the number of CPUs for 0; the kernel does not.
        if kind == MapKind::PerfEventArray && asked.max_entries == 0 {
            return Err(Errno::EINVAL);
        }
        if asked.ifindex != 0 {
            return Err(self.offloaded(kind, asked.ifindex));
        }
        if asked.flags & TOKEN_FD != 0 {
            return Err(self.no_token(asked.token_fd));
        }
        self.must_be_capable()?;
        let inner = match kind.is_map_in_map() {
            true => Some(Box::new(self.inner_spec(asked.inner_map_fd)?)),
            false => None,
        };
        let name = checked_name(&asked.name);
        let btf = self.map_types(kind, asked);
        let spec = MapSpec {
            flags: MapFlags(asked.flags),
            extra: asked.map_extra,
            numa_node,
            inner,
            btf: match asked.btf_vmlinux_value_type_id {
                0 => (btf.as_ref().ok().and_then(Option::as_ref)).map(|object| MapBtf {
                    btf: Arc::clone(&object.btf),
                    key: type_id(asked.btf_key_type_id),
                    value: type_id(asked.btf_value_type_id),
                }),
                value => self.kernel.vmlinux().map(|vmlinux| MapBtf {
                    btf: Arc::clone(&vmlinux.btf),
                    key: None,
                    value: type_id(value),
                }),
            },
            ..MapSpec::new(
                name.as_ref().map_or("", |name| text(name)),
                kind,
                asked.key_size,
                asked.value_size,
                asked.max_entries,
            )
        };
        let fits = |object: Option<Arc<BtfObject>>| match &object {
            Some(types) if asked.btf_value_type_id != 0 => {
                check_types_of_kind(kind, &types.btf, asked)?;
                if kind == MapKind::TaskStorage {
                    let kernel = self.kernel.vmlinux().map(|vmlinux| &*vmlinux.btf);
                    user_pointers::check(&types.btf, kernel, TypeId(asked.btf_value_type_id))?;
                }
                Ok(object)
            }
            _ => Ok(object),
        };
        let btf = btf.and_then(fits);
        // A map that breaks a rule of its kind is refused for that, however bad the rest is.
        let refused = |spec: &MapSpec| {
            let made = self.kernel.create_map(spec, MapAbout::default());
            made.map_err(|refused| refused.errno()).err()
        };
        let (name, btf, exclusive) = match (name, btf, exclusive(asked)) {
            (Ok(name), Ok(btf), Ok(exclusive)) => (name, btf, exclusive),
            (Err(errno), ..) | (_, Err(errno), _) | (.., Err(errno)) => {
                return Err(refused(&spec).unwrap_or(errno));
            }
        };
        let about = MapAbout {
            name,
            btf,
            key_type: asked.btf_key_type_id,
            value_type: asked.btf_value_type_id,
            vmlinux_value_type: asked.btf_vmlinux_value_type_id,
            exclusive,
        };
        let map = (self.kernel.create_map(&spec, about)).map_err(|refused| refused.errno())?;
        self.open(File::Map { map, access })
    }

    /// `BPF_MAP_FREEZE`.
    pub fn map_freeze(&self, asked: &MapFreeze) -> Result<(), Errno> {
        let (map, access) = self.map(asked.map_fd)?;
        if map.spec().kind == MapKind::StructOps {
            return Err(Errno::ENOTSUPP);
        }
        access.must_write()?;
        map.freeze()
    }

    /// How many bytes the elements of a map have: what the attribute layer has to copy.
    pub fn map_sizes(&self, fd: Fd) -> Result<MapSizes, Errno> {
        let (map, _) = self.map(fd)?;
        Ok(MapSizes {
            key: map.spec().key_size as usize,
            value: map.value_bytes_outside(),
            batch: map.cursor_bytes(),
        })
    }

    /// There is no device that could hold a map.
    fn offloaded(&self, kind: MapKind, ifindex: u32) -> Errno {
        let takes = matches!(kind, MapKind::Array | MapKind::Hash);
        match takes && self.kernel.has_interface(ifindex) {
            true => Errno::EOPNOTSUPP,
            false => Errno::EINVAL,
        }
    }

    /// What the maps in a map of maps are to be like.
    fn inner_spec(&self, fd: Fd) -> Result<MapSpec, Errno> {
        let (inner, _) = self.map(fd)?;
        match inner.spec().kind {
            kind if kind.is_map_in_map() => Err(Errno::EINVAL),
            MapKind::ProgArray | MapKind::CgroupStorage | MapKind::PercpuCgroupStorage => {
                Err(Errno::ENOTSUPP)
            }
            _ => Ok(inner.spec().clone()),
        }
    }

    /// The types of key and value, if they are right (`map_check_btf`).
    fn map_types(
        &self,
        kind: MapKind,
        asked: &MapCreate<'_>,
    ) -> Result<Option<Arc<BtfObject>>, Errno> {
        let (key, value) = (asked.btf_key_type_id, asked.btf_value_type_id);
        if key == 0 && value == 0 && asked.btf_vmlinux_value_type_id == 0 {
            return Ok(None);
        }
        let object = self.btf(asked.btf_fd)?;
        if object.is_kernel() {
            return Err(Errno::EACCES);
        }
        if value == 0 {
            return Ok(Some(object));
        }
        let types = &object.btf;
        let key_fits = match key {
            0 => takes_no_key_type(kind),
            id => size_of_type(types, id) == Some(asked.key_size.into()),
        };
        if !key_fits || size_of_type(types, value) != Some(asked.value_size.into()) {
            return Err(Errno::EINVAL);
        }
        Ok(Some(object))
    }
}

/// The digest of the program that an exclusive map is for.
fn exclusive(asked: &MapCreate<'_>) -> Result<Option<crate::object::Digest>, Errno> {
    match asked.excl_prog_hash {
        None if asked.excl_prog_hash_size != 0 => Err(Errno::EINVAL),
        None => Ok(None),
        Some(_) if asked.excl_prog_hash_size as usize != limits::DIGEST_BYTES => Err(Errno::EINVAL),
        Some(hash) => Ok(Some(*hash.first_chunk().ok_or(Errno::EFAULT)?)),
    }
}

fn type_id(id: u32) -> Option<TypeId> {
    (id != 0).then_some(TypeId(id))
}

fn size_of_type(types: &Btf, id: u32) -> Option<u64> {
    types.ty(TypeId(id))?;
    types.size_of(TypeId(id))
}

/// The kinds whose `map_check_btf` looks at types that come without a key's.
fn takes_no_key_type(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::Array | MapKind::PercpuArray | MapKind::BloomFilter | MapKind::LpmTrie
    ) || takes_no_types(kind)
}

/// The kinds whose elements have no types (`map_check_no_btf`).
fn takes_no_types(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::PerfEventArray
            | MapKind::CgroupArray
            | MapKind::StackTrace
            | MapKind::ArrayOfMaps
            | MapKind::HashOfMaps
            | MapKind::Devmap
            | MapKind::DevmapHash
            | MapKind::Cpumap
            | MapKind::Xskmap
            | MapKind::Sockmap
            | MapKind::Sockhash
    )
}

fn check_types_of_kind(kind: MapKind, types: &Btf, asked: &MapCreate<'_>) -> Result<(), Errno> {
    let right = match kind {
        _ if takes_no_types(kind) => return Err(Errno::ENOTSUPP),
        // Only data sections come without a key's type.
        MapKind::Array | MapKind::PercpuArray if asked.btf_key_type_id == 0 => {
            let value = types.type_at(TypeId(asked.btf_value_type_id));
            kind == MapKind::Array
                && asked.max_entries == 1
                && value.kind() == osmia_btf::Kind::DataSec
        }
        // One int of 32 bits.
        MapKind::Array | MapKind::PercpuArray => {
            types.type_at(TypeId(asked.btf_key_type_id)).kind() == osmia_btf::Kind::Int
        }
        MapKind::LpmTrie => {
            types.resolve(TypeId(asked.btf_key_type_id)).kind() == osmia_btf::Kind::Struct
        }
        MapKind::BloomFilter => asked.btf_key_type_id == 0,
        _ => true,
    };
    match right {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

/// A checked name as text.
pub(super) fn text(name: &crate::bpf::ObjectName) -> &str {
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    std::str::from_utf8(&name[..end]).expect("checked names are ASCII")
}

/// What an exclusive map asks of a program.
pub(super) fn admits_digest(record: &MapRecord, digest: &crate::object::Digest) -> bool {
    record.about.exclusive.is_none_or(|only| only == *digest)
}
