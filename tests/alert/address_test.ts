import { deepStrictEqual } from "node:assert/strict";
import { isPrivateAddress } from "../../lib/alert/address.ts";

const PRIVATE =
  `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1
198.18.0.1 224.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 fe80::1 fe80::1%eth0 fc00::1 fd12::1
ff02::1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 2002:7f00:1:: 2001:db8::1 2001::1 [::1] nonsense 1.2.3 1.2.3.4.5 1.2.3.999`
    .split(/\s+/);
const PUBLIC =
  `8.8.8.8 1.1.1.1 172.15.255.255 172.32.0.1 100.63.0.1 100.128.0.1 2606:4700::1111 2001:4860:4860::8888
64:ff9b::8.8.8.8 [2606:4700::1111]`.split(/\s+/);

Deno.test("addresses of one's own networks are private in every form, others are not", () => {
  deepStrictEqual(PRIVATE.filter((address) => !isPrivateAddress(address)), []);
  deepStrictEqual(PUBLIC.filter((address) => isPrivateAddress(address)), []);
});
