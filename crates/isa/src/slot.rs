//! One eight-byte instruction slot, fields in host order.
//!
//! A `Slot` is what lies in an object file or goes to the kernel. It promises nothing about meaning:
//! that is [`crate::decode`]'s business.

/// Byte order of an object, a target or a register field.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first (`bpfel`).
    Little,
    /// Most significant byte first (`bpfeb`).
    Big,
}

impl Endian {
    /// The order of the machine this runs on.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") {
        Endian::Big
    } else {
        Endian::Little
    };
}

/// One instruction slot. Wide instructions (`ld_imm64`) take two.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The opcode byte.
    pub code: u8,
    /// Destination register field, 0 to 15.
    pub dst: u8,
    /// Source register field, 0 to 15.
    pub src: u8,
    /// Signed 16-bit offset.
    pub off: i16,
    /// Signed 32-bit immediate.
    pub imm: i32,
}

impl Slot {
    /// Bytes of one slot.
    pub const BYTES: usize = 8;

    /// Reads a slot written in `endian` order. Any eight bytes are a slot.
    pub fn from_bytes(bytes: [u8; 8], endian: Endian) -> Self {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        match endian {
            Endian::Little => Self {
                code,
                dst: regs & 0xf,
                src: regs >> 4,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Self {
                code,
                dst: regs >> 4,
                src: regs & 0xf,
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// Writes the slot in `endian` order. Register fields above 15 are cut to four bits.
    pub fn to_bytes(self, endian: Endian) -> [u8; 8] {
        let (regs, off, imm) = match endian {
            Endian::Little => (
                self.dst & 0xf | self.src << 4,
                self.off.to_le_bytes(),
                self.imm.to_le_bytes(),
            ),
            Endian::Big => (
                self.dst << 4 | self.src & 0xf,
                self.off.to_be_bytes(),
                self.imm.to_be_bytes(),
            ),
        };
        [
            self.code, regs, off[0], off[1], imm[0], imm[1], imm[2], imm[3],
        ]
    }
}

/// The bytes are not whole slots.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes are not a whole number of 8-byte instructions")]
pub struct RaggedBytes {
    /// How many bytes there were.
    pub len: usize,
}

/// Reads a program written in `endian` order.
///
/// # Errors
/// If the length is not a multiple of 8.
pub fn read_slots(bytes: &[u8], endian: Endian) -> Result<Vec<Slot>, RaggedBytes> {
    let (chunks, rest) = bytes.as_chunks::<{ Slot::BYTES }>();
    if !rest.is_empty() {
        return Err(RaggedBytes { len: bytes.len() });
    }
    Ok(chunks
        .iter()
        .map(|chunk| Slot::from_bytes(*chunk, endian))
        .collect())
}

/// Writes a program in `endian` order.
pub fn write_slots(slots: &[Slot], endian: Endian) -> Vec<u8> {
    slots
        .iter()
        .flat_map(|slot| slot.to_bytes(endian))
        .collect()
}
