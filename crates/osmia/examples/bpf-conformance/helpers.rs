//! The helpers that tests of user-space machines expect, under the numbers they call them by.

use osmia_vm::{Call, Checked, Fault, Guest, OwnHelper};

type Answer = Result<u64, Fault>;

/// All of them.
pub(crate) const ALL: [OwnHelper; 6] = [
    own(0, "gather_bytes", gather_bytes),
    own(1, "memfrob", memfrob),
    own(2, "trash_registers", |_| Ok(0)),
    own(3, "sqrti", |call| {
        Ok(u64::from((call.args[0] as u32).isqrt()))
    }),
    own(4, "strcmp_ext", strcmp_ext),
    own(5, "unwind", unwind),
];

const fn own(
    number: u32,
    name: &'static str,
    function: fn(&mut Call<'_, Checked>) -> Answer,
) -> OwnHelper {
    OwnHelper {
        number,
        name,
        function,
    }
}

/// The low bytes of the arguments as one number, the first highest.
fn gather_bytes(call: &mut Call<'_, Checked>) -> Answer {
    let bytes = call.args.iter().map(|argument| argument & 0xff);
    Ok(bytes.fold(0, |gathered, byte| gathered << 8 | byte))
}

/// Flips the bits of 42 in every byte of memory; gives its address back.
fn memfrob(call: &mut Call<'_, Checked>) -> Answer {
    let bytes = usize::try_from(call.args[1]).unwrap_or(usize::MAX);
    let mut memory = call.bytes(1, bytes)?;
    memory.iter_mut().for_each(|byte| *byte ^= 42);
    call.write(1, &memory)?;
    Ok(call.args[0])
}

/// Compares two strings as C does.
fn strcmp_ext(call: &mut Call<'_, Checked>) -> Answer {
    for offset in 0.. {
        let [a, b] = [letter(call, 1, offset)?, letter(call, 2, offset)?];
        if a != b || a == 0 {
            return Ok((i64::from(a) - i64::from(b)) as u64);
        }
    }
    Ok(0)
}

fn letter(call: &Call<'_, Checked>, argument: usize, offset: u64) -> Result<u8, Fault> {
    let address = call.args[argument - 1].wrapping_add(offset);
    let mut letter = [0];
    if call.guest.read(address, &mut letter) {
        return Ok(letter[0]);
    }
    Err(Fault::Access {
        argument,
        address,
        bytes: 1,
        write: false,
    })
}

/// Gives its argument back; the program ends if that is 0.
fn unwind(call: &mut Call<'_, Checked>) -> Answer {
    match call.args[0] {
        0 => Err(Fault::End { value: 0 }),
        value => Ok(value),
    }
}
