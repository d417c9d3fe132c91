//! What surrounds a run, by kernel functions: the traced call, the kernel's view of the context,
//! caches of memory.

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::helper::HelperFn;
use crate::kernel_context;
use crate::memory::{Rights, Shape};

family! {
    "bpf_session_is_return" => |call| Ok(u64::from(call.world.env.event.is_return)),
    "bpf_session_cookie" => session_cookie,
    "bpf_cast_to_kern_ctx" => cast_to_kern_ctx,
    "bpf_rdonly_cast" => |call| Ok(call.args[0]),
    "bpf_get_kmem_cache" => |_| Ok(0),
}

/// `bpf_session_cookie()`: eight bytes that a program sees again when the function returns.
fn session_cookie<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let Some(block) = call.world.session_cookie() else {
        return Ok(0);
    };
    let shape = Shape::whole(&block, Rights::ReadWrite);
    let shown = shape.and_then(|shape| call.guest.show(&block, shape));
    Ok(shown.unwrap_or(0))
}

/// `bpf_cast_to_kern_ctx(ctx)`: what the kernel has where programs see their context, as it is now.
fn cast_to_kern_ctx<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    call.context(1)?;
    kernel_context::show(call)
}
