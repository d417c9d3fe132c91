//! Loads and stores in values of maps, and in what maps themselves are.

use osmia_program::{Initial, MapFlags, MapKind};

use super::{Access, Stored, fixed};
use crate::reg::Reg;
use crate::reject::{Check, denied};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn access_map_value(
        &mut self,
        access: &Access,
        pointer: &Reg,
        map: u16,
        stored: Option<Stored>,
    ) -> Check<Reg> {
        let spec = &self.maps[usize::from(map)];
        let (flag, verb) = if access.write {
            (MapFlags::RDONLY_PROG, "write into")
        } else {
            (MapFlags::WRONLY_PROG, "read from")
        };
        if spec.flags.has(flag) {
            return denied(
                self.at,
                format!(
                    "{verb} map forbidden, value_size={} off={} size={}",
                    spec.value_size, access.off, access.bytes
                ),
            );
        }
        self.check_region(access, pointer, u64::from(spec.value_size))?;
        if let Some(loaded) = self.access_field(access, pointer, map, stored)? {
            return Ok(loaded);
        }
        if access.write {
            return Ok(Reg::UNKNOWN);
        }
        Ok(self
            .read_constant(access, pointer, map)
            .unwrap_or(Reg::UNKNOWN))
    }

    /// What a load from a map that nobody can change finds.
    fn read_constant(&self, access: &Access, pointer: &Reg, map: u16) -> Option<Reg> {
        let spec = &self.maps[usize::from(map)];
        let Initial::Value(bytes) = &spec.initial else {
            return None;
        };
        let constant =
            spec.frozen && spec.flags.has(MapFlags::RDONLY_PROG) && spec.kind == MapKind::Array;
        if !constant {
            return None;
        }
        let start = usize::try_from(access.off + pointer.num.constant()? as i64).ok()?;
        let mut value = [0; 8];
        for (index, byte) in value.iter_mut().enumerate().take(access.bytes as usize) {
            // Behind what was given the section is zero.
            *byte = bytes.get(start + index).copied().unwrap_or(0);
        }
        Some(Reg::constant(u64::from_le_bytes(value)))
    }

    /// A map's own structure: readable through BTF, not writable.
    pub(super) fn access_map_struct(
        &mut self,
        access: &Access,
        pointer: &Reg,
        map: u16,
    ) -> Check<Reg> {
        let register = access.base.number();
        self.check_may_see("bpf_array")?;
        let kind = self.maps[usize::from(map)].kind;
        if access.write {
            return denied(
                self.at,
                format!("only read from bpf_array is supported ({kind})"),
            );
        }
        if access.off < 0 {
            return denied(
                self.at,
                format!(
                    "R{register} is bpf_array invalid negative access: off={}",
                    access.off
                ),
            );
        }
        if !fixed(pointer) {
            return self.no_memory(access, pointer);
        }
        Ok(Reg::UNKNOWN)
    }
}
