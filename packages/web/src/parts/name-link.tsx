import { Link } from '@tanstack/react-router';

const PAGES = {
  capture: '/sources/$name',
  collection: '/collections/$name',
  materialization: '/destinations/$name',
} as const;

interface NameLinkProps {
  readonly kind: keyof typeof PAGES;
  readonly name: string;
  readonly label?: string;
}

/** A name that leads to its page. */
export function NameLink({ kind, name, label }: NameLinkProps) {
  return (
    <Link to={PAGES[kind]} params={{ name }} className="plain">
      {label ?? name}
    </Link>
  );
}
