//! Commands on maps and their elements.

use osmia_program::Errno;
use osmia_program::attr::Command;

use super::{Answer, Call, done, fd};
use crate::bpf::{Batch, Element, MapCreate, MapFreeze, MapSizes, ObjectName};
use crate::limits::DIGEST_BYTES;

impl Call<'_> {
    pub(super) fn name(&self, field: &str) -> ObjectName {
        let mut name = ObjectName::default();
        name.copy_from_slice(self.attr.field(field));
        name
    }

    pub(super) fn map_create(&mut self) -> Answer {
        let hash = self.behind("excl_prog_hash", DIGEST_BYTES);
        fd(self.process.map_create(&MapCreate {
            kind: self.u32("map_type"),
            key_size: self.u32("key_size"),
            value_size: self.u32("value_size"),
            max_entries: self.u32("max_entries"),
            flags: self.u32("map_flags"),
            inner_map_fd: self.fd("inner_map_fd"),
            numa_node: self.u32("numa_node"),
            name: self.name("map_name"),
            ifindex: self.u32("map_ifindex"),
            btf_fd: self.fd("btf_fd"),
            btf_key_type_id: self.u32("btf_key_type_id"),
            btf_value_type_id: self.u32("btf_value_type_id"),
            btf_vmlinux_value_type_id: self.u32("btf_vmlinux_value_type_id"),
            map_extra: self.u64("map_extra"),
            value_type_btf_obj_fd: self.fd("value_type_btf_obj_fd"),
            token_fd: self.fd("map_token_fd"),
            excl_prog_hash: hash.as_deref(),
            excl_prog_hash_size: self.u32("excl_prog_hash_size"),
        }))
    }

    pub(super) fn map_freeze(&mut self) -> Answer {
        let map_fd = self.fd("map_fd");
        done(self.process.map_freeze(&MapFreeze { map_fd }))
    }

    /// What the elements of the map have; nothing if it is none, which the command itself says.
    fn sizes(&self) -> MapSizes {
        let none = MapSizes {
            key: 0,
            value: 0,
            batch: 0,
        };
        self.process.map_sizes(self.fd("map_fd")).unwrap_or(none)
    }

    fn element<T>(
        &mut self,
        value_field: Option<&str>,
        flags_field: Option<&str>,
        run: impl FnOnce(&Self, &Element<'_>) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let sizes = self.sizes();
        // A map without keys must see whether there is a pointer, which is not followed.
        let key = self.behind("key", sizes.key);
        let value = value_field.and_then(|field| self.behind(field, sizes.value));
        let asked = Element {
            map_fd: self.fd("map_fd"),
            key: key.as_deref(),
            value: value.as_deref(),
            flags: flags_field.map_or(0, |field| self.u64(field)),
        };
        run(self, &asked)
    }

    pub(super) fn map_lookup(&mut self) -> Answer {
        let value = self.element(Some("value"), Some("flags"), |call, asked| {
            call.process.map_lookup(asked)
        })?;
        done(self.write_behind("value", &value))
    }

    pub(super) fn map_update(&mut self) -> Answer {
        done(self.element(Some("value"), Some("flags"), |call, asked| {
            call.process.map_update(asked)
        }))
    }

    pub(super) fn map_delete(&mut self) -> Answer {
        done(self.element(None, None, |call, asked| call.process.map_delete(asked)))
    }

    pub(super) fn map_next_key(&mut self) -> Answer {
        let key = self.element(None, None, |call, asked| call.process.map_next_key(asked))?;
        done(self.write_behind("next_key", &key))
    }

    pub(super) fn map_take(&mut self) -> Answer {
        let value = self.element(Some("value"), Some("flags"), |call, asked| {
            call.process.map_take(asked)
        })?;
        done(self.write_behind("value", &value))
    }

    pub(super) fn map_batch(&mut self, command: Command) -> Answer {
        let sizes = self.sizes();
        let count = self.u32("count");
        let stores = command == Command::MapUpdateBatch;
        let names_keys = stores || command == Command::MapDeleteBatch;
        let elements = |bytes: usize| bytes.saturating_mul(count as usize);
        let keys = self.behind("keys", if names_keys { elements(sizes.key) } else { 0 });
        let values = self.behind("values", if stores { elements(sizes.value) } else { 0 });
        let in_batch = self.behind("in_batch", sizes.batch);
        let asked = Batch {
            in_batch: in_batch.as_deref(),
            keys: keys.as_deref(),
            values: values.as_deref(),
            count,
            map_fd: self.fd("map_fd"),
            elem_flags: self.u64("elem_flags"),
            flags: self.u64("flags"),
        };
        let answer = match command {
            Command::MapLookupBatch => self.process.map_lookup_batch(&asked),
            Command::MapLookupAndDeleteBatch => self.process.map_take_batch(&asked),
            Command::MapUpdateBatch => self.process.map_update_batch(&asked),
            _ => self.process.map_delete_batch(&asked),
        };
        self.write_behind("keys", &answer.keys)?;
        self.write_behind("values", &answer.values)?;
        self.write_behind("out_batch", &answer.out_batch)?;
        if let Some(count) = answer.count {
            self.answer("count", u64::from(count))?;
        }
        answer.error.map_or(Ok(0), Err)
    }
}
