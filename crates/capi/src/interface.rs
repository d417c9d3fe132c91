//! What C calls. This is the one file of the crate with `unsafe`: it turns pointers into references and
//! back, and leaves everything else to `osmia::embed`. What it argues with is what `osmia.h` asks of callers.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::time::Duration;

use osmia::embed::{Module, Packet, Program, Sandbox, Stop, UntypedMap, UpdateMode, Worker};
use osmia::{Fault, LinkOptions, Object};

use crate::failure::Failure;

/// A place programs are loaded and run.
pub struct OsmiaSandbox(Sandbox);

/// Programs and maps that were loaded together.
pub struct OsmiaModule(Module);

/// A program; it keeps its module alive.
pub struct OsmiaProgram(Called);

/// A CPU of a sandbox, for one thread at a time.
pub struct OsmiaWorker(Worker);

/// Ends a worker's runs from any thread.
pub struct OsmiaStop(Stop);

/// A map; it keeps its module alive.
pub struct OsmiaMap(UntypedMap);

/// Why something could not be done.
pub struct OsmiaError(Failure);

/// Whose fault a failure is.
#[repr(C)]
pub enum OsmiaFault {
    /// The object, the program or the data.
    OsmiaFaultInput,
    /// The caller asked for something that makes no sense.
    OsmiaFaultUsage,
    /// Not possible here; the message says what is missing.
    OsmiaFaultUnsupported,
    /// A bug of Osmia's.
    OsmiaFaultInternal,
}

/// What a program is called with.
enum Called {
    Context(Program<[u8]>),
    Packet(Program<Packet>),
}

type Answer<T> = Result<T, Failure>;

/// Does the work of a function; what goes wrong, a panic included, becomes an error for the caller.
fn answer<T>(error: *mut *mut OsmiaError, work: impl FnOnce() -> Answer<T>) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    match done.unwrap_or_else(|panic| Err(Failure::panicked(&*panic))) {
        Ok(value) => Some(value),
        Err(failure) if error.is_null() => {
            drop(failure);
            None
        }
        Err(failure) => {
            // SAFETY: callers pass null or room for a pointer.
            unsafe { error.write(give(OsmiaError(failure))) };
            None
        }
    }
}

/// Hands something to the caller, who gives it back to the function that frees it.
fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn handle<T>(value: Option<T>) -> *mut T {
    value.map_or(std::ptr::null_mut(), give)
}

/// # Safety
/// Null, or from `give` and not freed since.
unsafe fn free<T>(value: *mut T) {
    if !value.is_null() {
        // SAFETY: it came from a box, by the caller's promise.
        drop(unsafe { Box::from_raw(value) });
    }
}

/// # Safety
/// Null, or from `give`, not freed while the reference is used, and not used exclusively meanwhile.
unsafe fn shared<'a, T>(value: *const T) -> Answer<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { value.as_ref() }.ok_or_else(|| Failure::misuse("a handle is null"))
}

/// # Safety
/// Null, or from `give`, and nobody else uses it while the reference is used.
unsafe fn exclusive<'a, T>(value: *mut T) -> Answer<&'a mut T> {
    // SAFETY: the caller's promise.
    unsafe { value.as_mut() }.ok_or_else(|| Failure::misuse("a handle is null"))
}

/// # Safety
/// Null with a length of 0, or as many bytes, not written while the slice is used.
unsafe fn bytes<'a>(start: *const u8, len: usize) -> Answer<&'a [u8]> {
    match (start.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::misuse("bytes are at null")),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { slice::from_raw_parts(start, len) }),
    }
}

/// # Safety
/// Null with a length of 0, or as many bytes that nobody else touches while the slice is used.
unsafe fn bytes_mut<'a>(start: *mut u8, len: usize) -> Answer<&'a mut [u8]> {
    match (start.is_null(), len) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Failure::misuse("bytes are at null")),
        // SAFETY: the caller's promise.
        (false, _) => Ok(unsafe { slice::from_raw_parts_mut(start, len) }),
    }
}

/// # Safety
/// Null, or a text that ends with a zero and is not written while it is used.
unsafe fn text<'a>(start: *const c_char) -> Answer<&'a str> {
    if start.is_null() {
        return Err(Failure::misuse("a text is null"));
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(start) };
    text.to_str()
        .map_err(|_| Failure::misuse("a text is not UTF-8"))
}

/// Makes a sandbox of so many CPUs; 0 for as many as the machine has. Null, and an error, if that fails.
///
/// # Safety
/// `error` is null or room for a pointer; so in all functions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_sandbox_new(
    cpus: u32,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaSandbox {
    handle(answer(error, || {
        let builder = Sandbox::builder();
        let builder = if cpus == 0 {
            builder
        } else {
            builder.cpus(cpus)
        };
        Ok(OsmiaSandbox(builder.build()?))
    }))
}

/// Frees a handle on a sandbox. What was loaded in it lives as long as there are handles on that.
///
/// # Safety
/// `sandbox` is null or from `osmia_sandbox_new` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_sandbox_free(sandbox: *mut OsmiaSandbox) {
    // SAFETY: the caller's promise.
    unsafe { free(sandbox) };
}

/// Links and verifies the programs of an object in memory, and loads nothing. `name` stands for its
/// file's name in errors. False, and an error with one diagnostic for each program that is rejected.
///
/// # Safety
/// `object` has `len` bytes, `name` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_verify(
    sandbox: *const OsmiaSandbox,
    object: *const u8,
    len: usize,
    name: *const c_char,
    error: *mut *mut OsmiaError,
) -> bool {
    let done = answer(error, || {
        // SAFETY: the caller's promises.
        let (sandbox, object, name) =
            unsafe { (shared(sandbox)?, bytes(object, len)?, text(name)?) };
        let object = Object::from_bytes(object, name)?;
        let linked = sandbox.0.link(&object, &LinkOptions::default())?;
        sandbox.0.verify(&linked)?;
        Ok(())
    });
    done.is_some()
}

/// Links, verifies and loads an object in memory. Null, and an error, if one of its programs is
/// rejected.
///
/// # Safety
/// `object` has `len` bytes, `name` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_load(
    sandbox: *const OsmiaSandbox,
    object: *const u8,
    len: usize,
    name: *const c_char,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaModule {
    handle(answer(error, || {
        // SAFETY: the caller's promises.
        let (sandbox, object, name) =
            unsafe { (shared(sandbox)?, bytes(object, len)?, text(name)?) };
        let object = Object::from_bytes(object, name)?;
        Ok(OsmiaModule(sandbox.0.load(&object)?))
    }))
}

/// The same with an object file.
///
/// # Safety
/// `path` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_load_file(
    sandbox: *const OsmiaSandbox,
    path: *const c_char,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaModule {
    handle(answer(error, || {
        // SAFETY: the caller's promises.
        let (sandbox, path) = unsafe { (shared(sandbox)?, text(path)?) };
        Ok(OsmiaModule(sandbox.0.load(&Object::open(path)?)?))
    }))
}

/// Frees a handle on a module. It lives as long as there are handles on its programs and maps.
///
/// # Safety
/// `module` is null or from `osmia_load` or `osmia_load_file` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_module_free(module: *mut OsmiaModule) {
    // SAFETY: the caller's promise.
    unsafe { free(module) };
}

/// A program by name. Null, and an error, if there is none, or it can be called neither with a context
/// nor with packets.
///
/// # Safety
/// `name` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_program(
    module: *const OsmiaModule,
    name: *const c_char,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaProgram {
    handle(answer(error, || {
        // SAFETY: the caller's promises.
        let (module, name) = unsafe { (shared(module)?, text(name)?) };
        let called = match module.0.program::<Packet>(name) {
            Ok(program) => Called::Packet(program),
            Err(_) => Called::Context(module.0.program::<[u8]>(name)?),
        };
        Ok(OsmiaProgram(called))
    }))
}

/// Frees a handle on a program.
///
/// # Safety
/// `program` is null or from `osmia_program` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_program_free(program: *mut OsmiaProgram) {
    // SAFETY: the caller's promise.
    unsafe { free(program) };
}

/// A CPU of a sandbox; a thread has its own. Null, and an error, if there are no more.
///
/// # Safety
/// `sandbox` is from `osmia_sandbox_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_worker_new(
    sandbox: *const OsmiaSandbox,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaWorker {
    handle(answer(error, || {
        // SAFETY: the caller's promise.
        let sandbox = unsafe { shared(sandbox)? };
        Ok(OsmiaWorker(sandbox.0.worker()?))
    }))
}

/// Frees a worker.
///
/// # Safety
/// `worker` is null or from `osmia_worker_new` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_worker_free(worker: *mut OsmiaWorker) {
    // SAFETY: the caller's promise.
    unsafe { free(worker) };
}

/// Ends this worker's runs that take longer than so many microseconds, each with an error (`vm-stopped`);
/// 0 for no limit. False without a worker.
///
/// # Safety
/// `worker` is null or from `osmia_worker_new`, and no other thread uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_worker_limit(worker: *mut OsmiaWorker, microseconds: u64) -> bool {
    let limit = (microseconds > 0).then(|| Duration::from_micros(microseconds));
    let done = answer(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        unsafe { exclusive(worker)? }.0.set_time_limit(limit);
        Ok(())
    });
    done.is_some()
}

/// A handle that ends a worker's runs from any thread. Null without a worker.
///
/// # Safety
/// `worker` is null or from `osmia_worker_new`, and no other thread uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_worker_stop(worker: *const OsmiaWorker) -> *mut OsmiaStop {
    // SAFETY: the caller's promise.
    let worker = unsafe { shared(worker) };
    handle(worker.ok().map(|worker| OsmiaStop(worker.0.stop())))
}

/// Ends the run that goes on and every later one (`asked` true), or lets runs go on again.
///
/// # Safety
/// `stop` is null or from `osmia_worker_stop`; any thread may have it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_stop(stop: *const OsmiaStop, asked: bool) {
    // SAFETY: the caller's promise.
    match (unsafe { shared(stop) }, asked) {
        (Ok(stop), true) => stop.0.ask(),
        (Ok(stop), false) => stop.0.lift(),
        (Err(_), _) => {}
    }
}

/// Frees a handle that ends runs; they go on as it left them.
///
/// # Safety
/// `stop` is null or from `osmia_worker_stop` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_stop_free(stop: *mut OsmiaStop) {
    // SAFETY: the caller's promise.
    unsafe { free(stop) };
}

/// Runs a program on `len` bytes: the context of a program in `SEC("syscall")`, which it may change, or
/// a packet, which stays as it is. What it returns is left in `value`, if that is not null. False, and
/// an error, if the run does not come to its end.
///
/// # Safety
/// `data` has `len` bytes that nobody else touches meanwhile; `worker` is used by no other thread
/// meanwhile; `value` is null or room for a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_run(
    program: *const OsmiaProgram,
    worker: *mut OsmiaWorker,
    data: *mut u8,
    len: usize,
    value: *mut u32,
    error: *mut *mut OsmiaError,
) -> bool {
    let returned = answer(error, || {
        // SAFETY: the caller's promises.
        let (program, worker) = unsafe { (shared(program)?, exclusive(worker)?) };
        // SAFETY: the caller's promise.
        let data = unsafe { bytes_mut(data, len)? };
        Ok(match &program.0 {
            Called::Context(program) => program.run(&mut worker.0, data)?,
            Called::Packet(program) => program.run_on(&mut worker.0, data)?,
        })
    });
    if let Some(returned) = returned
        && !value.is_null()
    {
        // SAFETY: it is room for a number, by the caller's promise.
        unsafe { value.write(returned) };
    }
    returned.is_some()
}

/// A map by name. Null, and an error, if there is none.
///
/// # Safety
/// `name` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map(
    module: *const OsmiaModule,
    name: *const c_char,
    error: *mut *mut OsmiaError,
) -> *mut OsmiaMap {
    handle(answer(error, || {
        // SAFETY: the caller's promises.
        let (module, name) = unsafe { (shared(module)?, text(name)?) };
        Ok(OsmiaMap(module.0.untyped_map(name)?))
    }))
}

/// Frees a handle on a map.
///
/// # Safety
/// `map` is null or from `osmia_map` and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_free(map: *mut OsmiaMap) {
    // SAFETY: the caller's promise.
    unsafe { free(map) };
}

/// Bytes of a key of the map; 0 without a map.
///
/// # Safety
/// `map` is null or from `osmia_map`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_key_bytes(map: *const OsmiaMap) -> usize {
    // SAFETY: the caller's promise.
    unsafe { shared(map) }.map_or(0, |map| map.0.key_bytes())
}

/// Bytes of a value of the map, every CPU's for per-CPU maps; 0 without a map.
///
/// # Safety
/// `map` is null or from `osmia_map`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_value_bytes(map: *const OsmiaMap) -> usize {
    // SAFETY: the caller's promise.
    unsafe { shared(map) }.map_or(0, |map| map.0.value_bytes())
}

/// Copies the value of a key to `value`; false if there is none.
///
/// # Safety
/// `key` has `osmia_map_key_bytes`, `value` room for `osmia_map_value_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_get(
    map: *const OsmiaMap,
    key: *const u8,
    value: *mut u8,
) -> bool {
    let found = answer(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let map = &unsafe { shared(map)? }.0;
        // SAFETY: the caller's promise.
        let key = unsafe { bytes(key, map.key_bytes())? };
        let found = map.get(key).ok_or_else(|| Failure::misuse("no such key"))?;
        // SAFETY: the caller's promise.
        let out = unsafe { bytes_mut(value, map.value_bytes())? };
        out.copy_from_slice(&found);
        Ok(())
    });
    found.is_some()
}

/// Sets the value of a key. False, and an error, if the map does not take it.
///
/// # Safety
/// `key` has `osmia_map_key_bytes`, `value` has `osmia_map_value_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_set(
    map: *const OsmiaMap,
    key: *const u8,
    value: *const u8,
    error: *mut *mut OsmiaError,
) -> bool {
    let done = answer(error, || {
        // SAFETY: the caller's promise.
        let map = &unsafe { shared(map)? }.0;
        // SAFETY: the caller's promises.
        let (key, value) = unsafe {
            (
                bytes(key, map.key_bytes())?,
                bytes(value, map.value_bytes())?,
            )
        };
        Ok(map.update(key, value, UpdateMode::Any)?)
    });
    done.is_some()
}

/// Removes a key; false if it was not there, or keys of this map cannot be removed.
///
/// # Safety
/// `key` has `osmia_map_key_bytes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_remove(map: *const OsmiaMap, key: *const u8) -> bool {
    let removed = answer(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let map = &unsafe { shared(map)? }.0;
        // SAFETY: the caller's promise.
        let key = unsafe { bytes(key, map.key_bytes())? };
        Ok(map.remove(key)?)
    });
    removed == Some(true)
}

/// Copies the key after `key`, the first one for null, to `next`, which may be the same memory. False
/// after the last.
///
/// # Safety
/// `key` is null or has `osmia_map_key_bytes`, `next` has room for as many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_map_next_key(
    map: *const OsmiaMap,
    key: *const u8,
    next: *mut u8,
) -> bool {
    let found = answer(std::ptr::null_mut(), || {
        // SAFETY: the caller's promise.
        let map = &unsafe { shared(map)? }.0;
        let after = match key.is_null() {
            true => map.next_key(None),
            // SAFETY: the caller's promise; the slice is gone before `next` is written.
            false => map.next_key(Some(unsafe { bytes(key, map.key_bytes())? })),
        };
        let after = after.ok_or_else(|| Failure::misuse("that was the last key"))?;
        // SAFETY: the caller's promise.
        unsafe { bytes_mut(next, map.key_bytes())? }.copy_from_slice(&after);
        Ok(())
    });
    found.is_some()
}

/// What went wrong, in one line. It lives as long as the error; so do the others.
///
/// # Safety
/// `error` is from a function that failed, and not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_error_message(error: *const OsmiaError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { shared(error) }.map_or(c"no error".as_ptr(), |error| error.0.message.as_ptr())
}

/// The stable code of it, which has a page under `docs/diagnostics`: `verify-null-pointer`.
///
/// # Safety
/// As `osmia_error_message`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_error_code(error: *const OsmiaError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { shared(error) }.map_or(c"".as_ptr(), |error| error.0.code.as_ptr())
}

/// Everything there is to say: place, listing, notes and help of each diagnostic.
///
/// # Safety
/// As `osmia_error_message`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_error_text(error: *const OsmiaError) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { shared(error) }.map_or(c"".as_ptr(), |error| error.0.text.as_ptr())
}

/// Whose fault it is.
///
/// # Safety
/// As `osmia_error_message`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_error_fault(error: *const OsmiaError) -> OsmiaFault {
    // SAFETY: the caller's promise.
    let fault = unsafe { shared(error) }.map_or(Fault::Usage, |error| error.0.fault);
    match fault {
        Fault::Input => OsmiaFault::OsmiaFaultInput,
        Fault::Usage => OsmiaFault::OsmiaFaultUsage,
        Fault::Unsupported => OsmiaFault::OsmiaFaultUnsupported,
        Fault::Internal => OsmiaFault::OsmiaFaultInternal,
    }
}

/// Frees an error.
///
/// # Safety
/// `error` is null or from a function that failed, and not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn osmia_error_free(error: *mut OsmiaError) {
    // SAFETY: the caller's promise.
    unsafe { free(error) };
}
