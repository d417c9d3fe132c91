//! Reno, as TCP counts its congestion window (`net/ipv4/tcp_cong.c` of Linux 6.18): on the members of a
//! described `struct tcp_sock`.

use osmia_btf::value::lookup_path;

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::heap::Object;
use crate::helper::{HelperFn, kernel_structure, member_offset};

family! {
    "tcp_reno_ssthresh" => ssthresh,
    "tcp_reno_undo_cwnd" => undo,
    "tcp_reno_cong_avoid" => avoid,
    "tcp_slow_start" => slow_start,
    "tcp_cong_avoid_ai" => additive_increase,
}

const NAME: &str = "tcp_sock";
/// Segments that are always in flight.
const WINDOW_MIN: u32 = 2;

/// `tcp_reno_ssthresh(sk)`: half the window.
fn ssthresh<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let window = Tcp::argument(call)?.number(call, "snd_cwnd")?;
    Ok((window / 2).max(WINDOW_MIN).into())
}

/// `tcp_reno_undo_cwnd(sk)`: the window from before the loss that was none.
fn undo<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let tcp = Tcp::argument(call)?;
    let (now, prior) = (
        tcp.number(call, "snd_cwnd")?,
        tcp.number(call, "prior_cwnd")?,
    );
    Ok(now.max(prior).into())
}

/// `tcp_slow_start(tp, acked)`: a segment more for each acknowledged one, up to the threshold. What of
/// them is left over.
fn slow_start<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (tcp, acked) = (Tcp::argument(call)?, call.args[1] as u32);
    tcp.slow_start(call, acked).map(u64::from)
}

/// `tcp_cong_avoid_ai(tp, w, acked)`: a segment more for each `w` acknowledged ones.
fn additive_increase<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (tcp, per_segment, acked) = (Tcp::argument(call)?, call.args[1], call.args[2]);
    tcp.increase(call, per_segment as u32, acked as u32)?;
    Ok(0)
}

/// `tcp_reno_cong_avoid(sk, ack, acked)`
fn avoid<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (tcp, mut acked) = (Tcp::argument(call)?, call.args[2] as u32);
    let window = tcp.number(call, "snd_cwnd")?;
    let starts_slowly = window < tcp.number(call, "snd_ssthresh")?;
    let out = tcp.number(call, "max_packets_out")?;
    let is_limit = tcp.flag(call, "is_cwnd_limited")?;
    // A window that nobody fills does not grow.
    let may_double = starts_slowly && window < out.wrapping_mul(2);
    if !is_limit && !may_double {
        return Ok(0);
    }
    if starts_slowly {
        acked = tcp.slow_start(call, acked)?;
        if acked == 0 {
            return Ok(0);
        }
    }
    let window = tcp.number(call, "snd_cwnd")?;
    tcp.increase(call, window, acked)?;
    Ok(0)
}

/// A connection as the kernel has it.
struct Tcp(Object);

impl Tcp {
    /// The first argument: the socket, or the connection that begins with it.
    fn argument<G: Guest>(call: &Call<'_, G>) -> Result<Self, Fault> {
        let object = call.object(1, "a TCP socket")?;
        let (types, id) = kernel_structure(call, NAME)?;
        let bytes = types.size_of(id).unwrap_or_default() as usize;
        match object.window() >= bytes {
            true => Ok(Self(object)),
            false => Err(Fault::Argument {
                argument: 1,
                what: format!("is a {} that was not described as {NAME}", object.tag.name),
            }),
        }
    }

    fn number<G: Guest>(&self, call: &Call<'_, G>, member: &str) -> Result<u32, Fault> {
        let mut word = [0; 4];
        let at = member_offset(call, NAME, member)? as usize;
        self.0.read(at, &mut word);
        Ok(u32::from_ne_bytes(word))
    }

    fn set<G: Guest>(&self, call: &Call<'_, G>, member: &str, value: u32) -> Result<(), Fault> {
        let at = member_offset(call, NAME, member)? as usize;
        self.0.write(at, &value.to_ne_bytes());
        Ok(())
    }

    /// A single bit.
    fn flag<G: Guest>(&self, call: &Call<'_, G>, member: &str) -> Result<bool, Fault> {
        let (types, id) = kernel_structure(call, NAME)?;
        let spot = lookup_path(&types, id, member).map_err(|_| Fault::Misuse {
            what: format!("needs `{member}` in `struct {NAME}` of the kernel's types"),
        })?;
        let mut byte = [0];
        self.0.read(spot.byte_offset() as usize, &mut byte);
        Ok(byte[0] >> (spot.bit_offset % 8) & 1 != 0)
    }

    fn slow_start<G: Guest>(&self, call: &Call<'_, G>, acked: u32) -> Result<u32, Fault> {
        let (window, threshold) = (
            self.number(call, "snd_cwnd")?,
            self.number(call, "snd_ssthresh")?,
        );
        let grown = window.wrapping_add(acked).min(threshold);
        self.set(
            call,
            "snd_cwnd",
            grown.min(self.number(call, "snd_cwnd_clamp")?),
        )?;
        Ok(acked.wrapping_sub(grown.wrapping_sub(window)))
    }

    fn increase<G: Guest>(
        &self,
        call: &Call<'_, G>,
        per_segment: u32,
        acked: u32,
    ) -> Result<(), Fault> {
        let mut window = self.number(call, "snd_cwnd")?;
        let mut credit = self.number(call, "snd_cwnd_cnt")?;
        // Credit from before is worth a segment, however small one has become.
        if credit >= per_segment {
            credit = 0;
            window = window.wrapping_add(1);
        }
        credit = credit.wrapping_add(acked);
        if credit >= per_segment {
            // The kernel divides by zero here; nothing is counted then.
            let segments = credit.checked_div(per_segment).unwrap_or(0);
            credit -= segments * per_segment;
            window = window.wrapping_add(segments);
        }
        self.set(call, "snd_cwnd_cnt", credit)?;
        self.set(
            call,
            "snd_cwnd",
            window.min(self.number(call, "snd_cwnd_clamp")?),
        )
    }
}
