use super::{Class, Context, ContextLayout, Fields, LAYOUTS, context, skb, sock, xdp};
use crate::{AttachKind, ProgramKind, Role};

#[test]
fn fields_are_in_order_and_inside() {
    for layout in LAYOUTS {
        let mut end = 0;
        for field in layout.fields {
            assert!(field.offset >= end, "{}.{}", layout.name, field.name);
            end = field.end();
        }
        assert!(end <= layout.bytes, "{}", layout.name);
    }
}

/// The field's name, or why not.
fn access(
    layout: &'static ContextLayout,
    class: Class,
    (offset, bytes, write): (u64, u32, bool),
) -> Result<&'static str, String> {
    Fields { layout, class }
        .access(offset, bytes, write)
        .map(|field| field.name)
        .map_err(|denial| format!("{denial:?}"))
}

#[test]
fn rights_follow_the_program_type() {
    let xdp = |at| access(&xdp::XDP, Class::XDP, at);
    assert_eq!(xdp((0, 4, false)), Ok("data"));
    assert_eq!(
        xdp((0, 2, false)),
        Err("Partial { field: \"data\", bytes: 4 }".into())
    );
    assert_eq!(xdp((2, 4, false)), Err("NoField".into()));
    let tc = |at| access(&skb::SKB, Class::TC, at);
    let filter = |at| access(&skb::SKB, Class::FILTER, at);
    assert_eq!(tc((8, 4, true)), Ok("mark"));
    assert_eq!(tc((10, 2, false)), Ok("mark"));
    assert_eq!(
        filter((8, 4, true)),
        Err("Rights { field: \"mark\" }".into())
    );
    assert_eq!(filter((56, 8, true)), Ok("cb"));
    assert_eq!(filter((64, 8, true)), Err("NoField".into()));
    assert_eq!(
        filter((76, 4, false)),
        Err("Rights { field: \"data\" }".into())
    );
}

#[test]
fn rights_follow_the_attach_type() {
    let ip4 = |attach| match context(Role::new(ProgramKind::CgroupSockAddr, attach)) {
        Context::Fields(fields) => fields.access(4, 4, true).is_ok(),
        other => panic!("{other:?}"),
    };
    assert!(ip4(AttachKind::CgroupInet4Connect));
    assert!(!ip4(AttachKind::CgroupInet6Connect));
}

#[test]
fn old_sizes_and_neighbours() {
    let sock = |at| access(&sock::SOCK_STRUCT, Class::POST_BIND4, at);
    assert_eq!(sock((48, 2, false)), Ok("dst_port"));
    assert_eq!(sock((48, 4, false)), Ok("dst_port"));
    assert_eq!(sock((50, 2, false)), Err("NoField".into()));
    assert_eq!(sock((4, 1, false)), Ok("family"));
    assert!(sock((5, 1, false)).is_err());
    let addr = |at| access(&sock::SOCK_ADDR, Class::ADDR6, at);
    assert_eq!(addr((16, 8, true)), Ok("user_ip6"));
    assert!(addr((12, 2, true)).is_err());
}
