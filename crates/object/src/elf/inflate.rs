//! Decompression of sections, bounded: what comes out is at most a named multiple of what goes in.

use std::io::Read;

use crate::limits;

/// How a section is compressed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Zlib,
    Zstd,
}

/// Decompresses to exactly `size` bytes, taking them from `budget`.
pub(super) fn inflate(
    codec: Codec,
    bytes: &[u8],
    size: u64,
    budget: &mut u64,
) -> Result<Vec<u8>, String> {
    let allowed = (bytes.len() as u64).saturating_mul(limits::INFLATED_BYTES_PER_BYTE);
    if size > allowed {
        return Err(format!(
            "its {} compressed bytes claim to become {size}, more than INFLATED_BYTES_PER_BYTE = {} times as many",
            bytes.len(),
            limits::INFLATED_BYTES_PER_BYTE
        ));
    }
    if size > *budget {
        return Err(format!(
            "decompressed sections would exceed INFLATED_BYTES_MAX = {} bytes",
            limits::INFLATED_BYTES_MAX
        ));
    }
    *budget -= size;
    let mut out = Vec::new();
    // One byte more than expected tells too long from just right.
    let read = match codec {
        Codec::Zlib => flate2::read::ZlibDecoder::new(bytes)
            .take(size + 1)
            .read_to_end(&mut out)
            .map_err(|error| error.to_string()),
        Codec::Zstd => ruzstd::decoding::StreamingDecoder::new_with_max_window_size(
            bytes,
            limits::INFLATE_WINDOW_BYTES_MAX,
        )
        .map_err(|error| error.to_string())
        .and_then(|decoder| {
            decoder
                .take(size + 1)
                .read_to_end(&mut out)
                .map_err(|error| error.to_string())
        }),
    };
    read.map_err(|error| format!("decompression failed: {error}"))?;
    if out.len() as u64 != size {
        return Err(format!(
            "decompression gave {} bytes or more, its header promises {size}",
            out.len()
        ));
    }
    Ok(out)
}
