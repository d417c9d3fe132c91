//! BTF objects: what `btf show` tells, and their types.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_diag::Diagnostic;
use osmia_program::Fault;
use serde::Serialize;

use super::info::Room;
use super::program::told_text;
use super::{Handle, Live, ObjectKind, Refused};
use crate::{Error, codes};

/// What `btf show` tells of types, with bpftool's keys.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the keys are bpftool's")]
pub struct BtfRow {
    pub id: u32,
    pub size: u32,
    pub prog_ids: Vec<u32>,
    pub map_ids: Vec<u32>,
    pub kernel: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Who uses some types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeUsers {
    programs: Vec<u32>,
    maps: Vec<u32>,
}

/// Bytes of a name that is asked for.
const NAME_BYTES: u32 = 64;

impl Live {
    /// Who uses which types, by the types' id.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn users_of_types(&self) -> Result<BTreeMap<u32, TypeUsers>, Refused> {
        let mut users: BTreeMap<u32, TypeUsers> = BTreeMap::new();
        for kind in [ObjectKind::Program, ObjectKind::Map] {
            for handle in self.all(kind)? {
                let info = handle.info()?;
                let (id, types) = (info.u32("id"), info.u32("btf_id"));
                let users = users.entry(types).or_default();
                match kind {
                    ObjectKind::Program => users.programs.push(id),
                    _ => users.maps.push(id),
                }
            }
        }
        users.remove(&0);
        Ok(users)
    }

    /// The types of this id; those of a module build on the kernel's.
    ///
    /// # Errors
    /// If there are none, or if they are damaged.
    pub fn btf(&self, id: u32) -> Result<Arc<Btf>, Error> {
        let handle = self.by_id(ObjectKind::Btf, id)?;
        let (name, is_kernels, bytes) = handle.types()?;
        let base = match is_kernels && name != "vmlinux" {
            true => self.kernel_types()?,
            false => None,
        };
        let parsed = Btf::parse(bytes, base).map_err(|error| {
            let message = format!("BTF {id} of the host cannot be used: {error}");
            Error::new(
                Fault::Input,
                Diagnostic::error(codes::NOUN_REFUSED, message),
            )
        })?;
        Ok(Arc::new(parsed))
    }

    /// The kernel's own types, if it has any.
    pub fn kernel_types(&self) -> Result<Option<Arc<Btf>>, Error> {
        for handle in self.all(ObjectKind::Btf)? {
            let info = handle.info()?;
            if info.u32("kernel_btf") != 0 && handle.types_name()? == "vmlinux" {
                return self.btf(info.u32("id")).map(Some);
            }
        }
        Ok(None)
    }
}

impl Handle {
    /// The name of types: empty for those that somebody loaded.
    pub(super) fn types_name(&self) -> Result<String, Refused> {
        let mut rooms = [Room::new("name", "name_len", NAME_BYTES, 1)];
        let told = self.info_with(&mut rooms);
        told.map_err(|errno| self.refused("name", errno))?;
        Ok(told_text(&rooms[0]))
    }

    /// Name, whether they are the kernel's, and bytes.
    fn types(&self) -> Result<(String, bool, Vec<u8>), Refused> {
        let info = self.info()?;
        let mut rooms = [
            Room::new("name", "name_len", NAME_BYTES, 1),
            Room::new("btf", "btf_size", info.u32("btf_size"), 1),
        ];
        let told = self.info_with(&mut rooms);
        told.map_err(|errno| self.refused("bytes", errno))?;
        let [name, types] = rooms;
        Ok((told_text(&name), info.u32("kernel_btf") != 0, types.bytes))
    }
}

impl BtfRow {
    /// Of types that these use.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn of(types: &Handle, users: &BTreeMap<u32, TypeUsers>) -> Result<Self, Refused> {
        let info = types.info()?;
        let id = info.u32("id");
        let users = users.get(&id).cloned().unwrap_or_default();
        let name = types.types_name()?;
        Ok(Self {
            id,
            size: info.u32("btf_size"),
            prog_ids: users.programs,
            map_ids: users.maps,
            kernel: info.u32("kernel_btf") != 0,
            name,
        })
    }
}
