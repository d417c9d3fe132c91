# Rules beside those every machine has, for a second pass.
ip rule add fwmark 0x64/0xff table 100 priority 1000
ip rule add from 10.99.0.0/16 table 100 priority 1001
ip rule add to 10.98.0.0/16 prohibit priority 1002
ip rule add to 10.97.0.0/16 blackhole priority 1003
ip rule add iif narrow table 100 priority 1004
ip -6 rule add fwmark 0x64/0xff table 100 priority 1000
ip -6 rule add to 2001:db8:98::/48 prohibit priority 1002
