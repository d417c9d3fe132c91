//! Which function machine code calls for an operation on a map: one for each of the usual sizes of keys
//! and values, so that they are copied and compared in registers.

use osmia_vm::map::Map;
use osmia_vm::map_call::{ANY, Delete, Lookup, MapOperation, Peek, Pop, Push, Update};

use crate::pages::call_map;

/// The address of the function.
pub(crate) fn address(operation: MapOperation, map: &Map) -> u64 {
    let (key, value) = (map.spec().key_size, map.spec().value_size);
    let function = match (operation, key, value) {
        (MapOperation::Lookup, 4, _) => call_map::<Lookup<4>>,
        (MapOperation::Lookup, 8, _) => call_map::<Lookup<8>>,
        (MapOperation::Lookup, 16, _) => call_map::<Lookup<16>>,
        (MapOperation::Lookup, ..) => call_map::<Lookup<ANY>>,
        (MapOperation::Update, 4, 4) => call_map::<Update<4, 4>>,
        (MapOperation::Update, 4, 8) => call_map::<Update<4, 8>>,
        (MapOperation::Update, 8, 8) => call_map::<Update<8, 8>>,
        (MapOperation::Update, 16, 8) => call_map::<Update<16, 8>>,
        (MapOperation::Update, 4, _) => call_map::<Update<4, ANY>>,
        (MapOperation::Update, 8, _) => call_map::<Update<8, ANY>>,
        (MapOperation::Update, 16, _) => call_map::<Update<16, ANY>>,
        (MapOperation::Update, ..) => call_map::<Update<ANY, ANY>>,
        (MapOperation::Delete, 4, _) => call_map::<Delete<4>>,
        (MapOperation::Delete, 8, _) => call_map::<Delete<8>>,
        (MapOperation::Delete, 16, _) => call_map::<Delete<16>>,
        (MapOperation::Delete, ..) => call_map::<Delete<ANY>>,
        (MapOperation::Push, _, 4) => call_map::<Push<4>>,
        (MapOperation::Push, _, 8) => call_map::<Push<8>>,
        (MapOperation::Push, ..) => call_map::<Push<ANY>>,
        (MapOperation::Pop, _, 4) => call_map::<Pop<4>>,
        (MapOperation::Pop, _, 8) => call_map::<Pop<8>>,
        (MapOperation::Pop, ..) => call_map::<Pop<ANY>>,
        (MapOperation::Peek, _, 4) => call_map::<Peek<4>>,
        (MapOperation::Peek, _, 8) => call_map::<Peek<8>>,
        (MapOperation::Peek, ..) => call_map::<Peek<ANY>>,
    };
    function as *const () as u64
}
