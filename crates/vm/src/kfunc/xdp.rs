//! XDP: what drivers tell about packets, which here is nothing, and packets in pieces, which here lie
//! in one.

use osmia_program::Errno;

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::helper::{HelperFn, errno};

family! {
    "bpf_xdp_metadata_rx_timestamp" => metadata,
    "bpf_xdp_metadata_rx_hash" => metadata,
    "bpf_xdp_metadata_rx_vlan_tag" => metadata,
    "bpf_xdp_pull_data" => pull_data,
}

/// What a driver without metadata answers.
fn metadata<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    Ok(errno(Err(Errno::EOPNOTSUPP)))
}

/// `bpf_xdp_pull_data(ctx, len)`: everything is linear already; addresses from before are invalid
/// all the same.
fn pull_data<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    let wanted = call.args[1] as u32 as usize;
    if wanted > call.world.packet.len() {
        return Ok(errno(Err(Errno::EINVAL)));
    }
    call.guest.packet_moved(&call.world.packet);
    Ok(0)
}
