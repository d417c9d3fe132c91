# The network of `cargo xtask compare-kernel`. Interfaces without a wire: nothing but these commands
# changes what is known.
on() { echo "$2" > /proc/sys/net/$1; }

ip link set lo up
# Connections come from a known port.
on ipv4/ip_local_port_range "40000 40000"
ip link add left address 02:00:00:00:00:01 mtu 1500 type ifb
ip link add right address 02:00:00:00:00:02 mtu 1400 type ifb
ip link add narrow address 02:00:00:00:00:03 mtu 600 type ifb
ip link add off address 02:00:00:00:00:04 type ifb
on ipv4/conf/all/forwarding 1
on ipv6/conf/all/forwarding 1
on ipv4/conf/right/forwarding 0
on ipv6/conf/right/forwarding 0
for link in left right narrow; do
	on ipv6/conf/$link/addr_gen_mode 1 2> /dev/null || true
	ip link set $link up
done
ip addr add 10.1.0.1/24 dev left
ip addr add 10.1.0.7/24 dev left
ip addr add 10.1.1.1/24 dev left
ip addr add 10.2.0.1/24 dev narrow
ip addr add 10.3.0.1/24 dev right
ip addr add 2001:db8:1::1/64 dev left nodad
ip addr add 2001:db8:3::1/64 dev right nodad

ip route add 10.10.0.0/16 via 10.1.0.2
ip route add 10.10.1.0/24 via 10.1.0.3 metric 50
ip route add 10.10.1.0/24 via 10.1.0.2 metric 60
ip route add 10.11.0.0/16 via 10.2.0.2
ip route add 10.12.0.0/16 via 10.3.0.2
ip route add 10.12.0.0/16 via 10.1.0.2 metric 9
ip route add 10.13.0.0/16 via 10.1.0.2 tos 0x10
ip route add 10.13.0.0/16 via 10.1.0.3
ip route add blackhole 10.20.0.0/16
ip route add unreachable 10.21.0.0/16
ip route add prohibit 10.22.0.0/16
ip route add throw 10.23.0.0/16
ip route add 10.30.0.0/16 via 10.1.0.2 mtu lock 1000
ip route add 10.31.0.0/16 via 10.1.0.2 mtu 900
ip route add 10.32.0.0/16 via 10.1.0.9
ip route add 10.33.0.0/16 dev left src 10.1.1.1
ip route add 10.34.0.0/16 via inet6 2001:db8:1::2 dev left
ip route add 10.40.0.0/16 via 10.1.0.3 table 100
ip route add 10.41.0.0/16 via 10.1.0.3 table 100
ip route add 10.41.0.0/16 via 10.1.0.2
ip route add 10.42.0.0/16 dev left
ip -6 route add 2001:db8:10::/48 via 2001:db8:1::2
ip -6 route add 2001:db8:11::/48 via 2001:db8:3::2
ip -6 route add 2001:db8:12::/48 via 2001:db8:1::9
ip -6 route add blackhole 2001:db8:20::/48
ip -6 route add unreachable 2001:db8:21::/48
ip -6 route add prohibit 2001:db8:22::/48
ip -6 route add 2001:db8:30::/48 via 2001:db8:1::2 mtu lock 1300
ip -6 route add 2001:db8:31::/48 via 2001:db8:1::2 mtu 1350
ip -6 route add 2001:db8:40::/48 via 2001:db8:1::2 table 100

ip neigh add 10.1.0.2 lladdr 02:00:00:00:01:02 dev left nud permanent
ip neigh add 10.1.0.3 lladdr 02:00:00:00:01:03 dev left nud permanent
ip neigh add 10.2.0.2 lladdr 02:00:00:00:02:02 dev narrow nud permanent
ip neigh add 10.3.0.2 lladdr 02:00:00:00:03:02 dev right nud permanent
ip neigh add 10.42.0.5 lladdr 02:00:00:00:42:05 dev left nud permanent
ip neigh add 2001:db8:1::2 lladdr 02:00:00:00:61:02 dev left nud permanent
ip neigh add 2001:db8:3::2 lladdr 02:00:00:00:63:02 dev right nud permanent
