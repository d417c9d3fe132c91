//! The packet a program works on: a buffer with room before and after it.
//!
//! It knows the geometry and who may move what; it does not know addresses.

use std::sync::Arc;

use osmia_program::context::PacketAccess;

use crate::limits;
use crate::memory::Block;

/// A packet in its buffer. Positions count from the start of the buffer.
#[derive(Debug)]
pub struct Packet {
    block: Arc<Block>,
    /// Where the metadata starts; equal to `data` without any.
    meta: usize,
    data: usize,
    end: usize,
    /// First byte behind what the packet may grow to.
    hard_end: usize,
    /// What programs may do with its bytes by loads and stores of their own.
    pub access: PacketAccess,
    /// The part of it that programs see through their context, counted from its start; all of it
    /// unless a helper said otherwise.
    shown: Option<(usize, usize)>,
    /// Where the link header starts, as socket buffers remember it.
    link: usize,
    /// Where the network header starts, likewise.
    network: usize,
}

impl Packet {
    /// An empty packet in a buffer of the smallest size; `None` if memory is short.
    pub fn new() -> Option<Self> {
        let block = Arc::new(Block::new(1, limits::PACKET_BUFFER_BYTES_MIN)?);
        let hard_end = block.window() - limits::PACKET_TAIL_BYTES;
        Some(Self {
            block,
            meta: limits::PACKET_HEADROOM_BYTES,
            data: limits::PACKET_HEADROOM_BYTES,
            end: limits::PACKET_HEADROOM_BYTES,
            hard_end,
            access: PacketAccess::None,
            shown: None,
            link: limits::PACKET_HEADROOM_BYTES,
            network: limits::PACKET_HEADROOM_BYTES,
        })
    }

    /// Replaces the packet. The buffer is kept if it is large enough. `None` if the packet is
    /// longer than [`limits::PACKET_BYTES_MAX`] or memory is short.
    pub fn fill(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.len() > limits::PACKET_BYTES_MAX {
            return None;
        }
        let needed = limits::PACKET_HEADROOM_BYTES + bytes.len() + limits::PACKET_TAIL_BYTES;
        let buffer = needed.next_multiple_of(limits::PACKET_BUFFER_BYTES_MIN);
        if buffer > self.block.window() {
            self.block = Arc::new(Block::new(1, buffer)?);
        }
        self.data = limits::PACKET_HEADROOM_BYTES;
        self.meta = self.data;
        self.end = self.data + bytes.len();
        self.shown = None;
        self.link = self.data;
        self.network = self.data;
        // The room behind depends on this packet only, not on earlier, longer ones.
        self.hard_end = buffer - limits::PACKET_TAIL_BYTES;
        // What an earlier packet left there is nobody's business; behind, `move_tail` clears.
        self.zero(0, self.data);
        self.block.write(0, self.data, bytes);
        Some(())
    }

    /// The buffer.
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Position of the metadata.
    pub fn meta(&self) -> usize {
        self.meta
    }

    /// Position of the first byte.
    pub fn data(&self) -> usize {
        self.data
    }

    /// Position behind the last byte.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Lets programs see a part of it.
    pub fn show(&mut self, from: usize, to: usize) {
        self.shown = Some((from, to.min(self.len())));
    }

    /// Position of the first byte that programs see.
    pub fn shown_start(&self) -> usize {
        self.data + self.shown.map_or(0, |(from, _)| from)
    }

    /// Position behind the last byte that programs see.
    pub fn shown_end(&self) -> usize {
        self.shown.map_or(self.end, |(_, to)| self.data + to)
    }

    /// The offset of the network header from the first byte; negative if that was cut off.
    pub fn network(&self) -> i64 {
        self.network as i64 - self.data as i64
    }

    /// Says where the network header starts.
    pub fn set_network(&mut self, offset: usize) {
        self.network = self.data + offset;
    }

    /// Starts behind the link header, as much of it as there is.
    pub fn cut_link(&mut self, bytes: usize) {
        self.link = self.data;
        self.data = self.end.min(self.data + bytes);
        self.meta = self.data;
        self.network = self.data;
    }

    /// Makes the first bytes metadata, as many of them as there are.
    pub fn take_meta(&mut self, bytes: usize) {
        self.data = self.end.min(self.data + bytes);
        self.link = self.data;
        self.network = self.data;
    }

    /// Says that the packet starts with the link header.
    pub fn reset_link(&mut self) {
        self.link = self.data;
    }

    /// Bytes of the link header.
    pub fn link_bytes(&self) -> usize {
        self.network.saturating_sub(self.link)
    }

    /// Bytes, metadata not included.
    pub fn len(&self) -> usize {
        self.end - self.data
    }

    /// True without a byte.
    pub fn is_empty(&self) -> bool {
        self.end == self.data
    }

    /// Copies the packet out.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        out.resize(self.len(), 0);
        self.block.read(0, self.data, out);
    }

    /// Copies the metadata and the packet out.
    pub fn copy_with_meta(&self, out: &mut Vec<u8>) {
        out.resize(self.end - self.meta, 0);
        self.block.read(0, self.meta, out);
    }

    /// Copies bytes out; `None` if they are not all there.
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Option<()> {
        let end = offset.checked_add(out.len())?;
        (end <= self.len()).then(|| self.block.read(0, self.data + offset, out))
    }

    /// Copies bytes out that start so far behind the network header; `None` if they are not all there.
    pub fn read_from_network(&self, offset: usize, out: &mut [u8]) -> Option<()> {
        self.read_from(self.network, offset, out)
    }

    /// Copies bytes out that start so far behind the start of the link header, which may have been
    /// cut off; `None` if they are not all there.
    pub fn read_from_link(&self, offset: usize, out: &mut [u8]) -> Option<()> {
        self.read_from(self.link, offset, out)
    }

    fn read_from(&self, header: usize, offset: usize, out: &mut [u8]) -> Option<()> {
        let start = header.checked_add(offset)?;
        let end = start.checked_add(out.len())?;
        (end <= self.end).then(|| self.block.read(0, start, out))
    }

    /// Copies bytes in; `None` if there is no room for all of them.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        let end = offset.checked_add(bytes.len())?;
        (end <= self.len()).then(|| self.block.write(0, self.data + offset, bytes))
    }

    /// Moves the start by `delta` bytes, keeping `len_min` bytes and the metadata.
    pub fn move_head(&mut self, delta: i64, len_min: usize) -> Option<()> {
        let meta_bytes = self.data - self.meta;
        let data = usize::try_from((self.data as i64).checked_add(delta)?).ok()?;
        if data < limits::PACKET_FRAME_BYTES + meta_bytes || data.checked_add(len_min)? > self.end {
            return None;
        }
        let mut meta = [0; limits::PACKET_META_BYTES_MAX + 1];
        self.block.read(0, self.meta, &mut meta[..meta_bytes]);
        self.block.write(0, data - meta_bytes, &meta[..meta_bytes]);
        self.data = data;
        self.meta = data - meta_bytes;
        Some(())
    }

    /// Moves the end by `delta` bytes, keeping `len_min` bytes; new ones are zero.
    pub fn move_tail(&mut self, delta: i64, len_min: usize) -> Option<()> {
        let end = usize::try_from((self.end as i64).checked_add(delta)?).ok()?;
        if end > self.hard_end || end < self.data.checked_add(len_min)? {
            return None;
        }
        self.zero(self.end, end);
        self.end = end;
        Some(())
    }

    /// Moves the start of the metadata by `delta` bytes.
    pub fn move_meta(&mut self, delta: i64) -> Option<()> {
        let meta = usize::try_from((self.meta as i64).checked_add(delta)?).ok()?;
        if meta < limits::PACKET_FRAME_BYTES || meta > self.data {
            return None;
        }
        self.meta = meta;
        Some(())
    }

    /// Makes sure of so many free bytes in front of the packet and behind it: socket buffers, unlike
    /// what XDP works on, move to a larger buffer when they have to.
    pub fn make_room(&mut self, front: usize, behind: usize) -> Option<()> {
        let headroom = self.meta - limits::PACKET_FRAME_BYTES;
        if front <= headroom && behind <= self.hard_end - self.end {
            return Some(());
        }
        let shift = front.saturating_sub(headroom);
        let end = self.end.checked_add(shift)?;
        let needed = end.checked_add(behind)? + limits::PACKET_TAIL_BYTES;
        let buffer = needed.next_multiple_of(limits::PACKET_BUFFER_BYTES_MIN);
        let block = Arc::new(Block::new(1, buffer)?);
        let mut bytes = vec![0; self.end - self.meta];
        self.block.read(0, self.meta, &mut bytes);
        block.write(0, self.meta + shift, &bytes);
        self.block = block;
        self.meta += shift;
        self.data += shift;
        self.link += shift;
        self.network += shift;
        self.end = end;
        self.hard_end = buffer - limits::PACKET_TAIL_BYTES;
        Some(())
    }

    /// Opens `bytes` zeroed bytes in front of the packet.
    pub fn grow_head(&mut self, bytes: usize) -> Option<()> {
        self.move_head(-i64::try_from(bytes).ok()?, 0)?;
        self.zero(self.data, self.data + bytes);
        Some(())
    }

    /// Opens `bytes` zeroed bytes at an offset of a socket buffer; what is before them moves, and the
    /// link header with it.
    pub fn insert(&mut self, offset: usize, bytes: usize) -> Option<()> {
        let mut before = vec![0; offset];
        self.read(0, &mut before)?;
        self.make_room(bytes, 0)?;
        self.grow_head(bytes)?;
        self.write(0, &before)?;
        self.zero(self.data + offset, self.data + offset + bytes);
        self.link = self.link.saturating_sub(bytes);
        Some(())
    }

    /// Takes `bytes` bytes at an offset out; what is before them moves, and the link header with it.
    pub fn remove(&mut self, offset: usize, bytes: usize) -> Option<()> {
        if offset.checked_add(bytes)? > self.len() {
            return None;
        }
        let mut before = vec![0; offset];
        self.read(0, &mut before)?;
        self.move_head(i64::try_from(bytes).ok()?, 0)?;
        self.link += bytes;
        self.write(0, &before)
    }

    /// `insert`, and the network header moves too: what was inserted is behind its start.
    pub fn insert_behind_headers(&mut self, offset: usize, bytes: usize) -> Option<()> {
        self.insert(offset, bytes)?;
        self.network = self.network.saturating_sub(bytes);
        Some(())
    }

    /// `remove`, and the network header moves too.
    pub fn remove_behind_headers(&mut self, offset: usize, bytes: usize) -> Option<()> {
        self.remove(offset, bytes)?;
        self.network += bytes;
        Some(())
    }

    fn zero(&self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let bytes = (to - at).min(64);
            self.block.write(0, at, &[0; 64][..bytes]);
            at += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_before_a_packet_holds_nothing_of_earlier_ones() {
        let mut packet = Packet::new().expect("memory");
        packet.fill(&[7; 40]).expect("memory");
        packet.move_head(-200, 14).expect("room");
        packet.write(0, &[9; 240]).expect("inside");
        packet.fill(&[1; 14]).expect("memory");
        packet.move_head(-200, 14).expect("room");
        let mut bytes = [5; 214];
        packet.read(0, &mut bytes).expect("inside");
        assert_eq!(bytes[..200], [0; 200]);
        assert_eq!(bytes[200..], [1; 14]);
    }
}
