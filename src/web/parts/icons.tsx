// The drawings of the page: the mark, and a small set of line icons on one 20-unit grid.
import type { ReactNode, SVGProps } from "react";

type IconProps = SVGProps<SVGSVGElement> & { size?: number };

/** All icons of a page share one look; each differs by what is drawn. */
function Drawn({ size = 18, children, ...rest }: IconProps & { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...rest}
    >
      {children}
    </svg>
  );
}

const line = (paths: ReactNode) => (props: IconProps) => <Drawn {...props}>{paths}</Drawn>;

export const Plus = line(<path d="M10 4v12M4 10h12" />);
export const Send = line(<path d="M10 16V4.5M4.8 9.5 10 4.3l5.2 5.2" />);
export const Stop = line(<rect x="5.5" y="5.5" width="9" height="9" rx="1.6" fill="currentColor" />);
export const Menu = line(<path d="M3.5 6h13M3.5 10h13M3.5 14h8" />);
export const Side = line(
  <path d="M3 5.5A1.5 1.5 0 0 1 4.5 4h11A1.5 1.5 0 0 1 17 5.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 14.5zM12 4v12" />,
);
export const Close = line(<path d="m5 5 10 10M15 5 5 15" />);
export const Chevron = line(<path d="m7.5 5 5 5-5 5" />);
export const Down = line(<path d="m5 7.5 5 5 5-5" />);
export const Check = line(<path d="m4.5 10.5 3.7 3.7 7.3-8" />);
export const Cross = line(<path d="m6 6 8 8M14 6l-8 8" />);
export const Folder = line(
  <path d="M3 6.2A1.7 1.7 0 0 1 4.7 4.5h3l1.8 2h5.8A1.7 1.7 0 0 1 17 8.2v5.6a1.7 1.7 0 0 1-1.7 1.7H4.7A1.7 1.7 0 0 1 3 13.8z" />,
);
export const Pencil = line(<path d="m4 16 .7-3.3 8.6-8.6a1.4 1.4 0 0 1 2 0l.6.6a1.4 1.4 0 0 1 0 2L7.3 15.3z" />);
export const Trash = line(<path d="M4 6h12M8 6V4.5h4V6M5.5 6l.7 9.5h7.6l.7-9.5M8.5 9v4M11.5 9v4" />);
export const Copy = line(
  <path d="M7 7V4.7C7 4.3 7.3 4 7.7 4h7.6c.4 0 .7.3.7.7v7.6c0 .4-.3.7-.7.7H13M4.7 7h7.6c.4 0 .7.3.7.7v7.6c0 .4-.3.7-.7.7H4.7a.7.7 0 0 1-.7-.7V7.7c0-.4.3-.7.7-.7z" />,
);
export const Terminal = line(<path d="m4 6 4 4-4 4M10 14.5h6" />);
export const More = line(<path d="M5 10v.01M10 10v.01M15 10v.01" strokeWidth="2.6" />);
export const Widen = line(<path d="M8 4H4v4M12 4h4v4M8 16H4v-4M12 16h4v-4" />);
export const Narrow = line(<path d="M4 8h4V4M16 8h-4V4M4 12h4v4M16 12h-4v4" />);
export const Cog = line(
  <path d="M10 3.5v2M10 14.5v2M3.5 10h2M14.5 10h2M5.4 5.4l1.4 1.4M13.2 13.2l1.4 1.4M14.6 5.4l-1.4 1.4M6.8 13.2l-1.4 1.4M12.5 10a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z" />,
);
export const Gauge = line(<path d="M3.5 14.5h2.3l2-6 2.9 9 2.6-11 1.8 8h1.9" />);
export const File = line(<path d="M5.5 3.5h5.8l3.2 3.2v9.8h-9zM11 3.8V7h3.3" />);
export const Search = line(<path d="m13 13 3.5 3.5M14.3 9a5.3 5.3 0 1 1-10.6 0 5.3 5.3 0 0 1 10.6 0z" />);
export const Bell = line(<path d="M5.5 13.5V9a4.5 4.5 0 0 1 9 0v4.5l1 1h-11zM8.5 16.5h3" />);
export const Hand = line(
  <path d="M10 3.5c2.5 1.6 4.5 2 6 2 0 5.5-2 9-6 11-4-2-6-5.5-6-11 1.5 0 3.5-.4 6-2zM10 7.5v3M10 13v.1" />,
);
export const Question = line(<path d="M7.5 7.8A2.6 2.6 0 0 1 10 5.5c1.5 0 2.6 1 2.6 2.3 0 2-2.6 2-2.6 4M10 14.5v.1" />);
export const Sun = line(
  <path d="M10 3v1.5M10 15.5V17M3 10h1.5M15.5 10H17M5 5l1.1 1.1M13.9 13.9 15 15M15 5l-1.1 1.1M6.1 13.9 5 15M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0z" />,
);
export const Moon = line(<path d="M16 11.5A6.3 6.3 0 0 1 8.5 4a6.3 6.3 0 1 0 7.5 7.5z" />);
export const Half = line(
  <>
    <path d="M16.5 10a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0z" />
    <path d="M10 3.5v13a6.5 6.5 0 0 0 0-13z" fill="currentColor" />
  </>,
);
export const Clock = line(<path d="M10 6.5V10l2.3 1.5M16.5 10a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0z" />);

/** The mark: a fire under its arch. `lit` lets it move. */
export function Mark({ size = 28, lit = false }: { size?: number; lit?: boolean }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} fill="none" aria-hidden="true">
      <path
        d="M5.5 26.5V14.6a10.5 10.5 0 0 1 21 0v11.9M3 28.5h26"
        stroke="currentColor"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <g className={lit ? "flame" : undefined}>
        <path
          d="M16.6 9.5c.7 4.1 5.2 5.9 5.2 10.9 0 3.4-2.5 5.6-5.7 5.6s-5.9-2.2-5.9-5.5c0-2.4 1.2-3.9 2.5-5.2.2 1.5.8 2.4 1.7 2.9-.3-3.3.2-6.3 2.2-8.7z"
          fill="var(--glow)"
        />
        <path
          d="M16.3 19.2c.4 1.5 2.2 2.1 2.2 4 0 1.5-1.1 2.4-2.4 2.4s-2.4-.9-2.4-2.3c0-1.5 1.7-2.2 2.6-4.1z"
          fill="#ffdca8"
        />
      </g>
    </svg>
  );
}
