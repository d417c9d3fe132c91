//! The tree of pins. Every errno is what bpffs of Linux 6.18 gave for the same call.

mod support;

use osmia_program::Errno;
use osmia_user::bpf::{Fd, ObjGet, ObjPin};
use osmia_user::pin::FileKind;
use osmia_user::{Credentials, Process};
use support::*;

const RDONLY: u32 = 1 << 3;
const WRONLY: u32 = 1 << 4;
const PATH_FD: u32 = 1 << 14;

fn path(name: &str) -> String {
    format!("/sys/fs/bpf/{name}")
}

fn pin_at(process: &Process, path: &str, bpf_fd: Fd) -> Result<(), Errno> {
    process.obj_pin(&ObjPin {
        path: Some(path.as_bytes()),
        bpf_fd,
        ..ObjPin::default()
    })
}

fn pin(process: &Process, name: &str, bpf_fd: Fd) -> Result<(), Errno> {
    pin_at(process, &path(name), bpf_fd)
}

fn get_with(process: &Process, name: &str, file_flags: u32) -> Result<Fd, Errno> {
    process.obj_get(&ObjGet {
        path: Some(path(name).as_bytes()),
        file_flags,
        ..ObjGet::default()
    })
}

fn get(process: &Process, name: &str) -> Result<Fd, Errno> {
    get_with(process, name, 0)
}

#[test]
fn a_pin_keeps_a_map() {
    let process = process();
    let map = array(&process);
    pin(&process, "m", map).unwrap();
    process.close(map).unwrap();
    assert_eq!(map_ids(&process), [1]);
    let again = get(&process, "m").unwrap();
    assert_eq!(map_info(&process, again).id, 1);
    process.close(again).unwrap();
    process.unlink(&path("m")).unwrap();
    assert_eq!(map_ids(&process), NONE);
}

#[test]
fn a_pin_keeps_a_program_and_that_its_maps() {
    let process = process();
    let map = array(&process);
    let program = using(&process, map);
    pin(&process, "p", program).unwrap();
    process.close(map).unwrap();
    process.close(program).unwrap();
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![1], vec![1]));
    process.unlink(&path("p")).unwrap();
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![], vec![]));
}

#[test]
fn a_pin_is_a_use_of_a_program_array() {
    use osmia_program::MapKind;
    let process = process();
    let jumps = process
        .map_create(&map_of(MapKind::ProgArray, 4, 4, 1))
        .unwrap();
    let program = using(&process, jumps);
    put(&process, jumps, 0, program.0).unwrap();
    pin(&process, "jumps", jumps).unwrap();
    process.close(jumps).unwrap();
    process.close(program).unwrap();
    assert_eq!(prog_ids(&process), [1]);
    process.unlink(&path("jumps")).unwrap();
    assert_eq!((map_ids(&process), prog_ids(&process)), (vec![], vec![]));
}

#[test]
fn what_can_be_pinned_where() {
    let process = process();
    let map = array(&process);
    pin(&process, "m", map).unwrap();
    let long = "a".repeat(255);
    for (name, answer) in [
        ("m", Err(Errno::EEXIST)),
        ("a.b", Err(Errno::EPERM)),
        (".x", Err(Errno::EPERM)),
        ("no/m", Err(Errno::ENOENT)),
        ("m/x", Err(Errno::ENOTDIR)),
        ("t/", Err(Errno::ENOENT)),
        ("", Err(Errno::EEXIST)),
        (&format!("{long}a"), Err(Errno::ENAMETOOLONG)),
        (&long, Ok(())),
    ] {
        assert_eq!(pin(&process, name, map), answer, "{name}");
    }
    assert_eq!(pin(&process, "z", Fd(99)), Err(Errno::EINVAL));
    assert_eq!(pin(&process, "z", Fd(0)), Err(Errno::EINVAL));
    assert_eq!(pin_at(&process, "", map), Err(Errno::ENOENT));
    assert_eq!(pin_at(&process, "/sys/fs/x", map), Err(Errno::EPERM));
    let nowhere = ObjPin {
        bpf_fd: map,
        ..ObjPin::default()
    };
    assert_eq!(process.obj_pin(&nowhere), Err(Errno::EFAULT));
    for (file_flags, path_fd) in [(1, Fd(0)), (RDONLY, Fd(0)), (0, Fd(5))] {
        let asked = ObjPin {
            path: Some(b"/sys/fs/bpf/f"),
            file_flags,
            path_fd,
            ..nowhere
        };
        assert_eq!(process.obj_pin(&asked), Err(Errno::EINVAL));
    }
}

#[test]
fn what_can_be_got() {
    let process = process();
    let map = array(&process);
    pin(&process, "m", map).unwrap();
    process.mkdir(&path("d")).unwrap();
    assert_eq!(get(&process, "none"), Err(Errno::ENOENT));
    assert_eq!(get(&process, "d"), Err(Errno::EACCES));
    assert_eq!(get(&process, ""), Err(Errno::EACCES));
    assert_eq!(get(&process, "m/x"), Err(Errno::ENOTDIR));
    assert_eq!(get(&process, "a.b"), Err(Errno::EPERM));
    assert_eq!(get_with(&process, "m", 1), Err(Errno::EINVAL));
    assert_eq!(get_with(&process, "m", RDONLY | WRONLY), Err(Errno::EINVAL));
    assert_eq!(process.obj_get(&ObjGet::default()), Err(Errno::EFAULT));
}

#[test]
fn what_may_be_done_through_a_descriptor_is_said_when_it_is_got() {
    let process = process();
    let map = array(&process);
    pin(&process, "m", map).unwrap();
    let reading = get_with(&process, "m", RDONLY).unwrap();
    assert_eq!(at(&process, reading, 0), Ok(0));
    assert_eq!(put(&process, reading, 0, 1), Err(Errno::EPERM));
    let writing = get_with(&process, "m", WRONLY).unwrap();
    assert_eq!(at(&process, writing, 0), Err(Errno::EPERM));
    assert_eq!(put(&process, writing, 0, 1), Ok(()));
}

#[test]
fn directories_and_renaming() {
    let process = process();
    let (map, program) = (array(&process), pass(&process));
    pin(&process, "m", map).unwrap();
    pin(&process, "p", program).unwrap();
    let p = |name: &str| path(name);
    process.mkdir(&p("d")).unwrap();
    assert_eq!(process.lstat(&p("d")).unwrap().mode, 0o755);
    assert_eq!(process.lstat(&p("m")).unwrap().mode, 0o600);
    assert_eq!(process.mkdir(&p("a.b")), Err(Errno::EPERM));
    assert_eq!(process.mkdir(&p("d")), Err(Errno::EEXIST));
    assert_eq!(process.mkdir(&p("m")), Err(Errno::EEXIST));
    assert_eq!(process.mkdir(&p("q/w")), Err(Errno::ENOENT));
    assert_eq!(process.mkdir(&p("m/w")), Err(Errno::ENOTDIR));
    pin(&process, "d/x", map).unwrap();
    assert_eq!(process.rmdir(&p("d")), Err(Errno::ENOTEMPTY));
    assert_eq!(process.rmdir(&p("m")), Err(Errno::ENOTDIR));
    assert_eq!(process.unlink(&p("d")), Err(Errno::EISDIR));
    assert_eq!(process.unlink(&p("zz")), Err(Errno::ENOENT));
    assert_eq!(process.rmdir(&p("zz")), Err(Errno::ENOENT));
    let rename = |old: &str, new: &str| process.rename(&p(old), &p(new));
    assert_eq!(rename("d/x", "y"), Ok(()));
    assert_eq!(rename("y", "p"), Ok(()));
    assert_eq!(rename("p", "d"), Err(Errno::EISDIR));
    assert_eq!(rename("d", "p"), Err(Errno::ENOTDIR));
    assert_eq!(rename("nn", "p"), Err(Errno::ENOENT));
    assert_eq!(rename("p", "a.b"), Err(Errno::EPERM));
    assert_eq!(rename("d", "d/e"), Err(Errno::EINVAL));
    assert_eq!(rename("p", "p"), Ok(()));
    process.mkdir(&p("e")).unwrap();
    process.mkdir(&p("e/g")).unwrap();
    assert_eq!(rename("d", "e"), Err(Errno::ENOTEMPTY));
    assert_eq!(rename("e/g", "d"), Ok(()));
    assert_eq!(process.rmdir(&p("e")), Ok(()));
    let names: Vec<_> = process.list_directory("/sys/fs/bpf").unwrap();
    assert_eq!(names, [b"d", b"m", b"p"]);
}

#[test]
fn what_is_renamed_over_is_gone() {
    let process = process();
    let (first, second) = (array(&process), array(&process));
    pin(&process, "a", first).unwrap();
    pin(&process, "b", second).unwrap();
    process.close(first).unwrap();
    process.close(second).unwrap();
    process.rename(&path("a"), &path("b")).unwrap();
    assert_eq!(map_ids(&process), [1]);
}

#[test]
fn links_of_both_sorts() {
    let process = process();
    let map = array(&process);
    pin(&process, "m", map).unwrap();
    process.close(map).unwrap();
    let p = |name: &str| path(name);
    process.symlink(&p("m"), &p("s")).unwrap();
    assert!(get(&process, "s").is_ok());
    assert_eq!(process.readlink(&p("s")), Ok(p("m").into_bytes()));
    assert_eq!(process.lstat(&p("s")).unwrap().kind, FileKind::Symlink);
    assert_eq!(process.symlink(&p("m"), &p("s.x")), Err(Errno::EPERM));
    process.symlink(&p("nowhere"), &p("s2")).unwrap();
    assert_eq!(get(&process, "s2"), Err(Errno::ENOENT));
    assert_eq!(pin(&process, "s2", Fd(4)), Err(Errno::EINVAL));
    process.symlink(&p("l1"), &p("l1")).unwrap();
    assert_eq!(get(&process, "l1"), Err(Errno::ELOOP));
    process.link(&p("m"), &p("h")).unwrap();
    assert_eq!(process.lstat(&p("m")).unwrap().links, 2);
    assert_eq!(process.link(&p("m"), &p("h.x")), Err(Errno::EPERM));
    process.unlink(&p("m")).unwrap();
    assert!(get(&process, "h").is_ok());
}

#[test]
fn a_path_may_start_at_a_directory() {
    let process = process();
    let map = array(&process);
    let directory = process.open_directory("/sys/fs/bpf").unwrap();
    let pin = |path_fd| {
        process.obj_pin(&ObjPin {
            path: Some(b"m"),
            bpf_fd: map,
            file_flags: PATH_FD,
            path_fd,
        })
    };
    assert_eq!(pin(directory), Ok(()));
    assert_eq!(pin(Fd(99)), Err(Errno::EBADF));
    assert_eq!(pin(map), Err(Errno::ENOTDIR));
    assert!(get(&process, "m").is_ok());
}

#[test]
fn rights_bind_who_has_no_capabilities() {
    let root = process();
    let map = array(&root);
    pin(&root, "m", map).unwrap();
    let user = Process::new(
        root.kernel(),
        Credentials {
            uid: 1000,
            gid: 1000,
            capable: false,
        },
    );
    assert_eq!(get(&user, "m"), Err(Errno::EACCES));
    root.chmod(&path("m"), 0o604).unwrap();
    assert_eq!(get(&user, "m"), Err(Errno::EACCES));
    let reading = get_with(&user, "m", RDONLY).unwrap();
    assert_eq!(at(&user, reading, 0), Ok(0));
    // The mount point is everybody's, and sticky.
    assert_eq!(pin(&user, "u", reading), Ok(()));
    assert_eq!(user.unlink(&path("m")), Err(Errno::EPERM));
    assert_eq!(user.unlink(&path("u")), Ok(()));
    root.mkdir(&path("d")).unwrap();
    assert_eq!(pin(&user, "d/u", reading), Err(Errno::EACCES));
}

#[test]
fn a_hundred_thousand_pins_come_and_go() {
    let process = process();
    let map = array(&process);
    for number in 0..100_000 {
        pin(&process, &format!("p{number}"), map).unwrap();
    }
    process.close(map).unwrap();
    assert_eq!(map_ids(&process), [1]);
    for number in 0..100_000 {
        process.unlink(&path(&format!("p{number}"))).unwrap();
    }
    assert_eq!(map_ids(&process), NONE);
}
