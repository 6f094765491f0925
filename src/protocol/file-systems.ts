// What kind of file system a path is on, by the magic number that the system gives (statfs). Several parts ask, and must agree.

const FUSE = 0x65735546;
/** File systems whose locks or syncs do not reach the machine that has the disk, or not reliably. */
const network: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "CIFS",
  4266872130: "SMB2",
  22092: "NCP",
  16914839: "9p",
  12805120: "Ceph",
  1397113167: "AFS",
  1799439955: "AFS",
  1937076805: "Coda",
  198183888: "Lustre",
  1196443219: "GPFS",
  537068840: "OrangeFS",
  428016422: "BeeGFS",
  2020557398: "VirtualBox shared folder",
};
/** FUSE is local for some (ntfs-3g, mergerfs) and the network for these; the kernel knows the name behind `fuse.`. */
const networkFuse =
  /^fuse\.(sshfs|rclone|s3fs|s3ql|gcsfuse|goofys|glusterfs|ceph|davfs2?|curlftpfs|juicefs|seaweedfs|moosefs|mfs|smbnetfs|gvfsd-fuse|blobfuse2?|onedriver|google-drive-ocamlfuse)/;
/** Those whose "files" are views of the kernel: reading there can show secrets or block. */
const kernelViews = new Set([0x9fa0 /* proc */, 0x62656572 /* sysfs */, 0x64626720 /* debugfs */, 0x74726163]);

/**
 * The name of the network file system that holds `path` (absolute), undefined for a local one. `type` is its `f_type`;
 * `mounts` gives the text of /proc/self/mountinfo, and is asked only where the type does not tell.
 */
export async function networkFileSystem(
  path: string,
  type: number,
  mounts: () => Promise<string>,
): Promise<string | undefined> {
  const unsigned = type >>> 0;
  return unsigned === FUSE ? remoteFuse(path, await mounts()) : network[unsigned];
}

function remoteFuse(path: string, mounts: string): string | undefined {
  let best = { point: "", type: "" };
  for (const line of mounts.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const point = (before.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const inside = point === "/" || path === point || path.startsWith(`${point}/`);
    // Later lines are mounted over earlier ones.
    if (point !== "" && inside && point.length >= best.point.length) best = { point, type: after.split(" ")[0] ?? "" };
  }
  return networkFuse.test(best.type) ? best.type : undefined;
}

/** Whether files of this type of file system (`f_type`, on Linux) are no files but views of the kernel: proc, sysfs and the like. */
export function isKernelView(type: number): boolean {
  return kernelViews.has(type);
}
