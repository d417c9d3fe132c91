//! Bob Jenkins' hash "lookup3" (public domain) over 32-bit words, as the kernel's `jhash2`.

/// The hash of some words.
pub(super) fn words(words: &[u32], seed: u32) -> u32 {
    hash(words, (words.len() as u32).wrapping_mul(4), seed)
}

fn hash(mut words: &[u32], length: u32, seed: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(length).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start, start, start);
    while let [x, y, z, rest @ ..] = words
        && !rest.is_empty()
    {
        a = a.wrapping_add(*x);
        b = b.wrapping_add(*y);
        c = c.wrapping_add(*z);
        (a, b, c) = mix(a, b, c);
        words = rest;
    }
    if words.is_empty() {
        return c;
    }
    let last = |at: usize| words.get(at).copied().unwrap_or(0);
    let (a, b, c) = (
        a.wrapping_add(last(0)),
        b.wrapping_add(last(1)),
        c.wrapping_add(last(2)),
    );
    end(a, b, c)
}

fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for [first, second, third] in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(first);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(second);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(third);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn end(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::{hash, words};

    /// The results the author prints for his self-test, whose sentence ends within a word.
    #[test]
    fn agrees_with_its_author() {
        let text = b"Four score and seven years ago\0\0";
        let sentence: Vec<u32> = (text.chunks_exact(4))
            .map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")))
            .collect();
        assert_eq!(words(&[], 0), 0xdead_beef);
        assert_eq!(words(&[], 0xdead_beef), 0xbd5b_7dde);
        assert_eq!(hash(&sentence, 30, 0), 0x1777_0551);
        assert_eq!(hash(&sentence, 30, 1), 0xcd62_8161);
    }
}
