//! Names of objects (`bpf_obj_name_cpy` of Linux 6.18).

use osmia_program::Errno;

use crate::bpf::ObjectName;
use crate::limits::OBJECT_NAME_BYTES;

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// A name as a caller gave it, zeroes behind it. What follows the first zero does not count.
pub(crate) fn checked_name(given: &ObjectName) -> Result<ObjectName, Errno> {
    let end = (given.iter().position(|&byte| byte == 0)).ok_or(Errno::EINVAL)?;
    if !given[..end].iter().copied().all(is_allowed) {
        return Err(Errno::EINVAL);
    }
    let mut name = ObjectName::default();
    name[..end].copy_from_slice(&given[..end]);
    Ok(name)
}

/// A name of any length and letters as loaders cut and clean it.
pub(crate) fn fitted_name(name: &str) -> ObjectName {
    let mut fitted = ObjectName::default();
    for (to, byte) in fitted[..OBJECT_NAME_BYTES - 1].iter_mut().zip(name.bytes()) {
        *to = if is_allowed(byte) { byte } else { b'_' };
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &[u8]) -> ObjectName {
        let mut name = ObjectName::default();
        name[..text.len()].copy_from_slice(text);
        name
    }

    #[test]
    fn letters_digits_dot_and_underscore() {
        assert_eq!(checked_name(&name(b"a.b_C9")), Ok(name(b"a.b_C9")));
        assert_eq!(checked_name(&name(b"")), Ok(name(b"")));
        assert_eq!(checked_name(&name(b"a\0b")), Ok(name(b"a")));
        assert_eq!(checked_name(&name(b"a b")), Err(Errno::EINVAL));
        assert_eq!(checked_name(&name(b"a-b")), Err(Errno::EINVAL));
        assert_eq!(checked_name(&name(b"0123456789abcdef")), Err(Errno::EINVAL));
    }

    #[test]
    fn loaders_cut_and_clean() {
        assert_eq!(fitted_name("0123456789abcdef"), name(b"0123456789abcde"));
        assert_eq!(fitted_name("a::b"), name(b"a__b"));
    }
}
