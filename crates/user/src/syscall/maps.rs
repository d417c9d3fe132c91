//! Commands on maps and their elements.

use osmia_program::Errno;
use osmia_program::attr::{self, Address, MapBatch, MapElement, MapKey, MapNextKey};

use super::{Answer, Call, done, fd};
use crate::bpf::{Batch, BatchAnswer, Element, Fd, MapCreate, MapFreeze, MapSizes};
use crate::limits::DIGEST_BYTES;
use crate::process::Process;

/// Whether a batch names its keys and its values, or is told them.
struct Named {
    keys: bool,
    values: bool,
}

impl Call<'_> {
    pub(super) fn map_create(&mut self, asked: &attr::MapCreate) -> Answer {
        let hash = self.behind(asked.excl_prog_hash, DIGEST_BYTES);
        fd(self.process.map_create(&MapCreate {
            kind: asked.map_type,
            key_size: asked.key_size,
            value_size: asked.value_size,
            max_entries: asked.max_entries,
            flags: asked.map_flags,
            inner_map_fd: Fd(asked.inner_map_fd),
            numa_node: asked.numa_node,
            name: asked.map_name,
            ifindex: asked.map_ifindex,
            btf_fd: Fd(asked.btf_fd),
            btf_key_type_id: asked.btf_key_type_id,
            btf_value_type_id: asked.btf_value_type_id,
            btf_vmlinux_value_type_id: asked.btf_vmlinux_value_type_id,
            map_extra: asked.map_extra,
            value_type_btf_obj_fd: Fd(asked.value_type_btf_obj_fd),
            token_fd: Fd(asked.map_token_fd),
            excl_prog_hash: hash.as_deref(),
            excl_prog_hash_size: asked.excl_prog_hash_size,
        }))
    }

    pub(super) fn map_freeze(&mut self, asked: &attr::MapFreeze) -> Answer {
        let map_fd = Fd(asked.map_fd);
        done(self.process.map_freeze(&MapFreeze { map_fd }))
    }

    /// What the elements of the map have; nothing if it is none, which the command itself says.
    fn sizes(&self, map_fd: i32) -> MapSizes {
        let none = MapSizes {
            key: 0,
            value: 0,
            batch: 0,
        };
        self.process.map_sizes(Fd(map_fd)).unwrap_or(none)
    }

    fn element<T>(
        &self,
        asked: &MapElement,
        run: impl FnOnce(&Process, &Element<'_>) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let sizes = self.sizes(asked.map_fd);
        // A map without keys must see whether there is a pointer, which is not followed.
        let key = self.behind(asked.key, sizes.key);
        let value = self.behind(asked.value, sizes.value);
        let element = Element {
            map_fd: Fd(asked.map_fd),
            key: key.as_deref(),
            value: value.as_deref(),
            flags: asked.flags,
        };
        run(self.process, &element)
    }

    /// An element of which only the key counts.
    fn at_key<T>(
        &self,
        map_fd: i32,
        key: Address,
        run: impl FnOnce(&Process, &Element<'_>) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let asked = MapElement {
            map_fd,
            key,
            ..MapElement::default()
        };
        self.element(&asked, run)
    }

    pub(super) fn map_lookup(&mut self, asked: &MapElement) -> Answer {
        let value = self.element(asked, Process::map_lookup)?;
        done(self.write_behind(asked.value, &value))
    }

    pub(super) fn map_update(&mut self, asked: &MapElement) -> Answer {
        done(self.element(asked, Process::map_update))
    }

    pub(super) fn map_delete(&mut self, asked: &MapKey) -> Answer {
        done(self.at_key(asked.map_fd, asked.key, Process::map_delete))
    }

    pub(super) fn map_next_key(&mut self, asked: &MapNextKey) -> Answer {
        let key = self.at_key(asked.map_fd, asked.key, Process::map_next_key)?;
        done(self.write_behind(asked.next_key, &key))
    }

    pub(super) fn map_take(&mut self, asked: &MapElement) -> Answer {
        let value = self.element(asked, Process::map_take)?;
        done(self.write_behind(asked.value, &value))
    }

    pub(super) fn map_lookup_batch(&mut self, asked: &MapBatch) -> Answer {
        let told = Named {
            keys: false,
            values: false,
        };
        self.batch(asked, &told, Process::map_lookup_batch)
    }

    pub(super) fn map_take_batch(&mut self, asked: &MapBatch) -> Answer {
        let told = Named {
            keys: false,
            values: false,
        };
        self.batch(asked, &told, Process::map_take_batch)
    }

    pub(super) fn map_update_batch(&mut self, asked: &MapBatch) -> Answer {
        let named = Named {
            keys: true,
            values: true,
        };
        self.batch(asked, &named, Process::map_update_batch)
    }

    pub(super) fn map_delete_batch(&mut self, asked: &MapBatch) -> Answer {
        let named = Named {
            keys: true,
            values: false,
        };
        self.batch(asked, &named, Process::map_delete_batch)
    }

    fn batch(
        &mut self,
        asked: &MapBatch,
        named: &Named,
        run: impl FnOnce(&Process, &Batch<'_>) -> BatchAnswer,
    ) -> Answer {
        let sizes = self.sizes(asked.map_fd);
        let elements = |is_named: bool, bytes: usize| match is_named {
            true => bytes.saturating_mul(asked.count as usize),
            false => 0,
        };
        let keys = self.behind(asked.keys, elements(named.keys, sizes.key));
        let values = self.behind(asked.values, elements(named.values, sizes.value));
        let in_batch = self.behind(asked.in_batch, sizes.batch);
        let batch = Batch {
            in_batch: in_batch.as_deref(),
            keys: keys.as_deref(),
            values: values.as_deref(),
            count: asked.count,
            map_fd: Fd(asked.map_fd),
            elem_flags: asked.elem_flags,
            flags: asked.flags,
        };
        let answer = run(self.process, &batch);
        self.write_behind(asked.keys, &answer.keys)?;
        self.write_behind(asked.values, &answer.values)?;
        self.write_behind(asked.out_batch, &answer.out_batch)?;
        if let Some(count) = answer.count {
            self.answer("count", u64::from(count))?;
        }
        answer.error.map_or(Ok(0), Err)
    }
}
