//! Structures that tell about objects, by the names of their fields.

use osmia_program::attr::{Address, CallMemory, InfoLayout};

/// What is told about an object.
#[derive(Clone, Debug)]
pub struct Info {
    layout: &'static InfoLayout,
    bytes: Vec<u8>,
}

impl Info {
    pub(super) fn empty(layout: &'static InfoLayout) -> Self {
        Self {
            layout,
            bytes: vec![0; layout.bytes],
        }
    }

    pub(super) fn of(layout: &'static InfoLayout, bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self { layout, bytes }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A field as it lies there.
    ///
    /// # Panics
    /// If the structure has no such field.
    pub fn field(&self, name: &str) -> &[u8] {
        let field = self.layout.expect(name);
        &self.bytes[field.offset..field.offset + field.bytes]
    }

    /// A field as a number.
    ///
    /// # Panics
    /// If the structure has no such field.
    pub fn u64(&self, name: &str) -> u64 {
        let field = self.field(name);
        let mut bytes = [0; 8];
        bytes[..field.len()].copy_from_slice(field);
        u64::from_le_bytes(bytes)
    }

    /// A field of four bytes.
    ///
    /// # Panics
    /// If the structure has no such field.
    pub fn u32(&self, name: &str) -> u32 {
        self.u64(name) as u32
    }

    /// A field that is text.
    ///
    /// # Panics
    /// If the structure has no such field.
    pub fn text(&self, name: &str) -> String {
        text(self.field(name))
    }

    fn set(&mut self, name: &str, value: u64) {
        let field = self.layout.expect(name);
        let bytes = value.to_le_bytes();
        self.bytes[field.offset..field.offset + field.bytes].copy_from_slice(&bytes[..field.bytes]);
    }
}

/// Text up to its zero.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

/// A list that a structure points to: which fields say where it is, how long, and how long its records are.
#[derive(Debug)]
pub(super) struct Room {
    pointer: &'static str,
    count: &'static str,
    record: Option<(&'static str, u32)>,
    records: u32,
    record_bytes: usize,
    address: Address,
    /// What was told.
    pub(super) bytes: Vec<u8>,
}

impl Room {
    /// Room for so many records of so many bytes.
    pub(super) fn new(
        pointer: &'static str,
        count: &'static str,
        records: u32,
        record_bytes: usize,
    ) -> Self {
        Self {
            pointer,
            count,
            record: None,
            records,
            record_bytes,
            address: Address::default(),
            bytes: Vec::new(),
        }
    }

    /// The same; this field says how long records are.
    pub(super) fn of_records(self, field: &'static str) -> Self {
        let record = Some((field, self.record_bytes as u32));
        Self { record, ..self }
    }

    pub(super) fn ask(&mut self, info: &mut Info, memory: &mut CallMemory) {
        self.address = memory.room(self.records as usize * self.record_bytes);
        info.set(self.pointer, self.address.0);
        info.set(self.count, u64::from(self.records));
        if let Some((field, bytes)) = self.record {
            info.set(field, u64::from(bytes));
        }
    }

    pub(super) fn fill(&mut self, info: &Info, memory: &CallMemory) {
        let told = info.u32(self.count).min(self.records) as usize;
        // Nothing is told of what the caller may not know: the address is zero then.
        if info.u64(self.pointer) != 0 {
            let bytes = told * self.record_bytes;
            self.bytes = memory.at(self.address, bytes).to_vec();
        }
    }

    /// The records, where they are numbers.
    pub(super) fn numbers(&self) -> Vec<u64> {
        let records = self.bytes.chunks(self.record_bytes.max(1));
        records
            .map(|record| {
                let mut bytes = [0; 8];
                let known = record.len().min(8);
                bytes[..known].copy_from_slice(&record[..known]);
                u64::from_le_bytes(bytes)
            })
            .collect()
    }
}
