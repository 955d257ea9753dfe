/** One column by what its type means to filters and keys. */

/** How values of the column compare. */
export type Kind =
  | { is: 'exact'; min: bigint; max: bigint; scale: number }
  | { is: 'year' | 'float' | 'double' | 'text' | 'enum' | 'json' | 'uuid' | 'binary' | 'geometry' | 'other' }
  | { is: 'date' | 'datetime' | 'timestamp' | 'time'; decimals: number };

export interface ColumnInfo {
  name: string;
  /** As the server spells it, e.g. `bigint(20) unsigned`. */
  type: string;
  nullable: boolean;
  kind: Kind;
  /** Left out of `*`. */
  hidden: boolean;
  /** Of texts alone. */
  charset: string | null;
  collation: string | null;
}

/**
 * @param row name, data type, column type, nullable, character set, collation, precision, scale, decimals of a second and
 * what is special.
 */
export function columnInfo(row: readonly (string | null)[]): ColumnInfo {
  const [name, dataType, type, nullable, charset, collation, precision, scale, decimals, extra] = row as [
    string,
    string,
    string,
    ...(string | null)[],
  ];
  return {
    name,
    type,
    nullable: nullable === 'YES',
    kind: kindOf(
      dataType.toLowerCase(),
      type.toLowerCase(),
      Number(precision ?? 0),
      Number(scale ?? 0),
      Number(decimals ?? 0),
    ),
    hidden: /invisible/i.test(extra ?? ''),
    charset: word(charset),
    collation: word(collation),
  };
}

const INTEGER_BITS: Record<string, number> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };

function kindOf(dataType: string, type: string, precision: number, scale: number, decimals: number): Kind {
  const bits = INTEGER_BITS[dataType];
  if (bits !== undefined) {
    return type.includes('unsigned') || type.includes('zerofill')
      ? { is: 'exact', min: 0n, max: 2n ** BigInt(bits) - 1n, scale: 0 }
      : { is: 'exact', min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n, scale: 0 };
  }
  switch (dataType) {
    case 'bit':
      return { is: 'exact', min: 0n, max: 2n ** BigInt(precision || 1) - 1n, scale: 0 };
    case 'decimal': {
      const max = 10n ** BigInt(precision) - 1n;
      return { is: 'exact', min: -max, max, scale };
    }
    case 'year':
    case 'float':
    case 'double':
    case 'json':
    case 'uuid':
      return { is: dataType };
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return { is: dataType, decimals };
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return { is: 'text' };
    case 'enum':
    case 'set':
      return { is: 'enum' };
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'vector':
      return { is: 'binary' };
    default:
      return { is: GEOMETRY.test(dataType) ? 'geometry' : 'other' };
  }
}

const GEOMETRY = /^(?:multi)?(?:point|linestring|polygon)$|^geom/;

/** Names of character sets and collations are written into statements. */
function word(name: string | null | undefined): string | null {
  return name && /^\w+$/.test(name) ? name : null;
}
