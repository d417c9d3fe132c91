//! Lists and trees of objects.
//!
//! A head or root lies beside the lock that protects it; what is in there holds a reference to the
//! object the node is part of.

use std::sync::Arc;

use osmia_program::Errno;

use super::family;
use crate::fields::{Allocated, End, FieldKind, Root, Side, middle, release};
use crate::guest::{Call, Fault, Guest, Place};
use crate::helper::{HelperFn, errno};

family! {
    "bpf_list_push_front_impl" => |call| push(call, End::Front),
    "bpf_list_push_back_impl" => |call| push(call, End::Back),
    "bpf_list_pop_front" => |call| pop(call, End::Front),
    "bpf_list_pop_back" => |call| pop(call, End::Back),
    "bpf_list_front" => |call| end(call, End::Front),
    "bpf_list_back" => |call| end(call, End::Back),
    "bpf_rbtree_add_impl" => add,
    "bpf_rbtree_remove" => remove,
    "bpf_rbtree_first" => first,
    "bpf_rbtree_root" => root,
    "bpf_rbtree_left" => |call| child(call, Side::Left),
    "bpf_rbtree_right" => |call| child(call, Side::Right),
}

/// The head or root that argument 1 points to, its lock held.
fn head<G: Guest>(call: &Call<'_, G>, list: bool) -> Result<(Place, Root), Fault> {
    let wanted = |kind: &FieldKind| match kind {
        FieldKind::List(_) => list,
        FieldKind::Tree(_) => !list,
        _ => false,
    };
    let what = if list {
        "a bpf_list_head"
    } else {
        "a bpf_rb_root"
    };
    let (place, kind) = call.field(1, wanted, what)?;
    if !call.world.held.protects(&place.block, place.element) {
        return Err(Fault::Misuse {
            what: "is called without the lock that protects the list or tree".to_owned(),
        });
    }
    match kind {
        FieldKind::List(root) | FieldKind::Tree(root) => Ok((place, root)),
        _ => unreachable!("asked for just now"),
    }
}

/// The address of the object that a node, in argument 2, is part of.
fn object_of<G: Guest>(call: &Call<'_, G>, root: &Root) -> Result<u64, Fault> {
    let node = call.args[1];
    let object = call.world.runs.heap().object(node).filter(|object| {
        let of = object
            .payload::<Allocated>()
            .map(|allocated| Arc::clone(&allocated.ty.name));
        of.is_some_and(|of| *of == *root.of) && object.offset == root.node_offset as usize
    });
    object
        .map(|object| object.address)
        .ok_or_else(|| Fault::Argument {
            argument: 2,
            what: format!("is {node:#x}, not the node in a {}", root.of),
        })
}

/// Puts the node in argument 2 somewhere; its reference goes with it, one way or the other.
fn put<G: Guest>(
    call: &mut Call<'_, G>,
    place: &Place,
    root: &Root,
    position: usize,
) -> Result<u64, Fault> {
    let object = object_of(call, root)?;
    if !call.world.held.release(object) {
        return Err(Fault::Argument {
            argument: 2,
            what: "is in an object that the run has no reference to".to_owned(),
        });
    }
    let graphs = call.world.runs.graphs();
    if graphs.insert(place.word(), call.args[1], position) {
        return Ok(0);
    }
    release(&call.world.runs, object);
    Ok(errno(Err(Errno::EINVAL)))
}

/// Makes a node that was taken out the run's.
fn taken<G: Guest>(call: &mut Call<'_, G>, root: &Root, node: u64) -> u64 {
    let object = node.wrapping_sub(u64::from(root.node_offset));
    call.world.held.acquire(object);
    node
}

/// `bpf_list_push_front_impl(head, node, meta, offset)`
fn push<G: Guest>(call: &mut Call<'_, G>, end: End) -> Result<u64, Fault> {
    let (place, root) = head(call, true)?;
    let position = match end {
        End::Front => 0,
        End::Back => usize::MAX,
    };
    put(call, &place, &root, position)
}

/// `bpf_list_pop_front(head)`
fn pop<G: Guest>(call: &mut Call<'_, G>, end: End) -> Result<u64, Fault> {
    let (place, root) = head(call, true)?;
    let graphs = call.world.runs.graphs();
    let node = graphs.end(place.word(), end);
    let node = node.filter(|node| graphs.remove(place.word(), *node));
    Ok(node.map_or(0, |node| taken(call, &root, node)))
}

/// `bpf_list_front(head)`: it stays there.
fn end<G: Guest>(call: &mut Call<'_, G>, end: End) -> Result<u64, Fault> {
    let (place, _) = head(call, true)?;
    Ok(call.world.runs.graphs().end(place.word(), end).unwrap_or(0))
}

/// `bpf_rbtree_add_impl(root, node, less, meta, offset)`: behind those it is not less than.
fn add<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [_, node, less, ..] = call.args;
    let (place, root) = head(call, false)?;
    object_of(call, &root)?;
    let (mut low, mut high) = (0, call.world.runs.graphs().len(place.word()));
    while let Some(position) = middle(low, high) {
        let Some(other) = call.world.runs.graphs().at(place.word(), position) else {
            break;
        };
        let is_less = call
            .guest
            .invoke(call.world, less, 3, [node, other, 0, 0, 0])?;
        // A `bool`.
        if is_less & 0xff != 0 {
            high = position;
        } else {
            low = position + 1;
        }
    }
    put(call, &place, &root, low)
}

/// `bpf_rbtree_remove(root, node)`: null if it is in no tree, or in another one.
fn remove<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let node = call.args[1];
    let (place, root) = head(call, false)?;
    match call.world.runs.graphs().remove(place.word(), node) {
        true => Ok(taken(call, &root, node)),
        false => Ok(0),
    }
}

/// `bpf_rbtree_first(root)`
fn first<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (place, _) = head(call, false)?;
    let first = call.world.runs.graphs().end(place.word(), End::Front);
    Ok(first.unwrap_or(0))
}

/// `bpf_rbtree_root(root)`
fn root<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let (place, _) = head(call, false)?;
    let graphs = call.world.runs.graphs();
    let position = middle(0, graphs.len(place.word()));
    let root = position.and_then(|position| graphs.at(place.word(), position));
    Ok(root.unwrap_or(0))
}

/// `bpf_rbtree_left(root, node)`
fn child<G: Guest>(call: &mut Call<'_, G>, side: Side) -> Result<u64, Fault> {
    head(call, false)?;
    let child = call.world.runs.graphs().child(call.args[1], side);
    Ok(child.unwrap_or(0))
}
