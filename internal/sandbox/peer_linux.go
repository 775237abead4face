package sandbox

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// peerBelongs reports whether the other end of a loopback connection is held
// by process pid or one of its descendants. remote and local are the
// connection's addresses as we see them.
func peerBelongs(pid int, remote, local string) (bool, error) {
	if pid == 0 {
		return false, errors.New("its process has ended")
	}
	r, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false, err
	}
	l, err := netip.ParseAddrPort(local)
	if err != nil {
		return false, err
	}
	inode, err := socketInode(r, l)
	if err != nil {
		return false, err
	}
	link := "socket:[" + inode + "]"
	if holds(pid, link) {
		return true, nil
	}
	for _, child := range descendants(pid) {
		if holds(child, link) {
			return true, nil
		}
	}
	return false, errors.New("it is not one of its processes")
}

// socketInode finds the socket whose own address is mine and whose peer is
// other.
func socketInode(mine, other netip.AddrPort) (string, error) {
	for _, table := range []struct {
		file   string
		mapped bool // IPv4 inside IPv6: how some clients connect
	}{{"/proc/net/tcp", false}, {"/proc/net/tcp6", true}} {
		f, err := os.Open(table.file)
		if err != nil {
			continue // no IPv6
		}
		want1, want2 := procAddr(mine, table.mapped), procAddr(other, table.mapped)
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) > 9 && fields[1] == want1 && fields[2] == want2 {
				_ = f.Close() // only read
				return fields[9], nil
			}
		}
		_ = f.Close() // only read
	}
	return "", errors.New("its socket is not known")
}

// procAddr writes an address as /proc/net/tcp does: 32-bit words in the
// machine's byte order.
func procAddr(a netip.AddrPort, mapped bool) string {
	word := func(b []byte) string { return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b)) }
	v4 := a.Addr().Unmap().As4()
	s := word(v4[:])
	if mapped {
		v6 := netip.AddrFrom16(netip.AddrFrom4(v4).As16()).As16()
		s = word(v6[0:]) + word(v6[4:]) + word(v6[8:]) + word(v6[12:])
	}
	return fmt.Sprintf("%s:%04X", s, a.Port())
}

func holds(pid int, link string) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd/"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if target, err := os.Readlink(dir + fd.Name()); err == nil && target == link {
			return true
		}
	}
	return false
}
