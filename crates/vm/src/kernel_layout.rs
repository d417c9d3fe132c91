//! Structures of the kernel laid out by its types for one run: members go by name, and those that
//! these types do not have are left out.

use std::sync::Arc;

use osmia_btf::value::{Spot, lookup_path, put};
use osmia_btf::{Btf, Kind, TypeId};

use crate::guest::{Fault, Guest};
use crate::memory::{Block, Rights, Shape};

/// A structure that is being laid out.
pub(crate) struct KernelLayout<'a> {
    types: &'a Btf,
    of: TypeId,
    bytes: Vec<u8>,
}

impl<'a> KernelLayout<'a> {
    /// One of zeroes.
    ///
    /// # Errors
    /// If there are no types, or they have none of this name.
    pub(crate) fn of(types: Option<&'a Btf>, name: &str) -> Result<Self, Fault> {
        let found = types.and_then(|types| {
            let of = types.find(name, Kind::Struct)?;
            Some((types, of, usize::try_from(types.size_of(of)?).ok()?))
        });
        let (types, of, size) = found.ok_or_else(|| Fault::Misuse {
            what: format!("needs `struct {name}` of a kernel's types"),
        })?;
        Ok(Self {
            types,
            of,
            bytes: vec![0; size],
        })
    }

    fn member(&self, path: &str) -> Option<Spot> {
        lookup_path(self.types, self.of, path).ok()
    }

    /// Writes a number, cut to what the member takes; what these types do not have is left out.
    pub(crate) fn set(&mut self, path: &str, number: u64) {
        let Some(spot) = self.member(path) else {
            return;
        };
        let bits = match spot.bitfield_bits {
            0 => self.types.size_of(spot.ty).unwrap_or(8) * 8,
            bits => u64::from(bits),
        };
        let kept = number
            & u64::MAX
                .checked_shr(64_u32.saturating_sub(bits as u32))
                .unwrap_or(0);
        let text = kept.to_string();
        if put(self.types, spot, &text, &mut self.bytes).is_err() {
            // A signed member takes the same bits as a number below zero.
            let signed = (kept as i64) << (64 - bits.min(64)) >> (64 - bits.min(64));
            let _ = put(self.types, spot, &signed.to_string(), &mut self.bytes);
        }
    }

    /// Copies bytes to where a member begins.
    pub(crate) fn copy(&mut self, path: &str, from: &[u8]) {
        if let Some(spot) = self.member(path) {
            let at = spot.byte_offset() as usize;
            if let Some(place) = self.bytes.get_mut(at..at + from.len()) {
                place.copy_from_slice(from);
            }
        }
    }

    /// Writes an address.
    pub(crate) fn point(&mut self, path: &str, address: u64) {
        self.copy(path, &address.to_ne_bytes());
    }

    /// Shows it until the run ends; its address, 0 if there are none left.
    pub(crate) fn show<G: Guest>(self, guest: &mut G) -> u64 {
        let Some(block) = Block::new(1, self.bytes.len().next_multiple_of(8)) else {
            return 0;
        };
        block.write(0, 0, &self.bytes);
        let block = Arc::new(block);
        let shape = Shape::whole(&block, Rights::Read);
        (shape.and_then(|shape| guest.show(&block, shape))).unwrap_or(0)
    }
}
