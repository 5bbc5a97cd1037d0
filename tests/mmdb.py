"""A tiny writer of MMDB files for tests: a search tree of 24-bit records, then the records, then the metadata."""

import ipaddress

_MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = bytes(16)


def write_mmdb(path, records, *, ip_version=6):
    """Write ``records``, a dictionary from networks to values, of which none lies in another."""
    nodes = [[None, None]]
    for network, record in records.items():
        _insert(nodes, _bits(ipaddress.ip_network(network), ip_version), record)
    tree, data = b"", b""
    for node in nodes:
        for child in node:
            if isinstance(child, int):
                value = child
            elif child is None:
                value = len(nodes)
            else:
                value = len(nodes) + len(_SEPARATOR) + len(data)
                data += _encode(child[0])
            tree += value.to_bytes(3)
    metadata = {
        "node_count": (6, len(nodes)),
        "record_size": (5, 24),
        "ip_version": (5, ip_version),
        "database_type": "Test",
        "languages": [],
        "binary_format_major_version": (5, 2),
        "binary_format_minor_version": (5, 0),
        "build_epoch": (9, 1),
        "description": {},
    }
    path.write_bytes(tree + _SEPARATOR + data + _MARKER + _encode(metadata))
    return path


def _bits(network, ip_version):
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    return "0" * 96 + bits if ip_version == 6 and network.version == 4 else bits


def _insert(nodes, bits, record):
    place = 0
    for bit in bits[:-1]:
        if nodes[place][int(bit)] is None:
            nodes.append([None, None])
            nodes[place][int(bit)] = len(nodes) - 1
        place = nodes[place][int(bit)]
    nodes[place][int(bits[-1])] = (record,)


def _encode(value):
    match value:
        case bool():
            return bytes([int(value), 14 - 7])
        case str():
            return bytes([2 << 5 | len(value)]) + value.encode()
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(_encode(part) for item in value.items() for part in item)
        case list():
            return bytes([len(value), 11 - 7]) + b"".join(map(_encode, value))
        case (9, number):
            return bytes([8, 9 - 7]) + number.to_bytes(8)
        case (kind, number):
            size = {5: 2, 6: 4}[kind]
            return bytes([kind << 5 | size]) + number.to_bytes(size)
