/* One turn of the field over the nanoring array, in whole numbers: the moves of
 * `nanoring_turn.NumpyTurn`, bit for bit, in one pass over the sites a window.
 *
 * What a site is and how arcs lie in memory: `nanoring_lattice.Lattice`. A leaving time is looked
 * up only where there is a wall.
 */
#include <stdint.h>

enum { NEVER = 128, BUMP = 64, LEVELS = 256 };

typedef struct {
    int64_t sites, width;     /* places of a row of arcs: sites + width */
    uint8_t *arcs, *walls;    /* (4, places) */
    uint8_t *vortex;          /* (places) */
    const uint8_t *present;   /* (places) */
    const uint8_t *rim;       /* (orientations, sites): only one ring stands there */
    const uint8_t *table;     /* (parts of a bump, alone | beside, ratios, LEVELS) */
    const uint8_t *levels;    /* of each value of 16 random bits */
    int64_t ratios, windows;
    const int64_t *orientation, *part, *forward; /* of each window */
    uint8_t release;
} Array;

typedef struct {
    const Array *array;
    const uint8_t *random;    /* 16 bits, low byte first: (windows, alone | beside, ring, sites) */
    const int64_t *start;     /* (sites): where a site's row of the table begins */
    const uint8_t *stuck;     /* (sites): no wall leaves */
    int64_t window;
    uint8_t on_rim;           /* when a wall of the rim leaves */
} Window;

const char *source_hash(void) { return SOURCE_HASH; }

static void count(const Array *a, int64_t counts[2])
{
    const int64_t places = a->sites + a->width;
    int64_t found[4];
    for (int junction = 0; junction < 4; junction++) {
        const uint8_t *ahead = a->arcs + junction * places;
        const uint8_t *behind = a->arcs + (junction + 3) % 4 * places;
        uint8_t *walls = a->walls + junction * places;
        int64_t sum = 0;
        for (int64_t p = 0; p < places; p++) {
            walls[p] = ahead[p] != behind[p];
            sum += walls[p];
        }
        found[junction] = sum;
    }
    counts[0] = found[0] + found[2];
    counts[1] = found[1] + found[3];
}

/* When the wall of one ring at a site leaves, alone or beside another. */
static uint8_t leaving(const Window *w, int beside, int ring, int64_t site)
{
    const Array *a = w->array;
    if (w->stuck[site])
        return NEVER;
    if (a->rim[a->orientation[w->window] * a->sites + site])
        return w->on_rim;
    const int64_t drawn = ((w->window * 2 + beside) * 2 + ring) * a->sites + site;
    const int bits = w->random[2 * drawn] | w->random[2 * drawn + 1] << 8;
    const int64_t entry = (a->part[w->window] * 2 + beside) * a->ratios * LEVELS;
    return a->table[entry + w->start[site] + a->levels[bits]];
}

static void turn(uint8_t *arc, int turning, int align)
{
    *arc = align ? *arc | turning : *arc & !turning;
}

/* Let the walls of one window leave; count how many do at each moment. */
static void advance(const Window *w, int64_t moments[BUMP])
{
    const Array *a = w->array;
    const int64_t places = a->sites + a->width;
    const int first = (int)a->orientation[w->window], second = first + 2;
    const int forward = a->forward[w->window] != 0;
    const int64_t ahead = a->width - (first ? a->width : 1), behind = a->width;
    for (int64_t p = 0; p < places; p++)
        a->vortex[p] = a->present[p] & !(a->walls[p] | a->walls[places + p] | a->walls[2 * places + p]);
    for (int64_t site = 0; site < a->sites; site++) {
        const int64_t one = ahead + site, other = behind + site;
        const int walls[2] = {a->walls[first * places + one], a->walls[second * places + other]};
        if (!walls[0] && !walls[1])
            continue;
        uint8_t at[2] = {NEVER, NEVER};
        for (int ring = 0; ring < 2; ring++)
            if (walls[ring])
                at[ring] = leaving(w, 0, ring, site);
        if (walls[0] && walls[1]) {
            const uint8_t beside[2] = {leaving(w, 1, 0, site), leaving(w, 1, 1, site)};
            const int limit = (beside[0] < beside[1] ? beside[0] : beside[1]) + a->release;
            for (int ring = 0; ring < 2; ring++)
                if (beside[ring] <= limit)
                    at[ring] = beside[ring];
        }
        const int leaves[2] = {at[0] < NEVER, at[1] < NEVER};
        for (int ring = 0; ring < 2; ring++)
            if (leaves[ring])
                moments[at[ring]]++;
        const int turns[2] = {
            leaves[0] | (leaves[1] & a->vortex[one]),
            leaves[1] | (leaves[0] & a->vortex[other]),
        };
        turn(a->arcs + first * places + one, turns[0], forward);
        turn(a->arcs + (first + 3) % 4 * places + one, turns[0], forward);
        turn(a->arcs + second * places + other, turns[1], !forward);
        turn(a->arcs + (second + 3) % 4 * places + other, turns[1], !forward);
    }
}

/* All windows of a turn. `start` and `stuck` are (orientations, sites), `on_rim` is of each part
 * of a bump; written are `counts` (windows + 1, E W | N S) and `moments` (windows, BUMP).
 */
void rotate(const Array *a, const uint8_t *random, const int64_t *start, const uint8_t *stuck,
            const uint8_t *on_rim, int64_t *counts, int64_t *moments)
{
    for (int64_t i = 0; i < a->windows * BUMP; i++)
        moments[i] = 0;
    count(a, counts);
    for (int64_t i = 0; i < a->windows; i++) {
        const int64_t from = a->orientation[i] * a->sites;
        const Window w = {a, random, start + from, stuck + from, i, on_rim[a->part[i]]};
        advance(&w, moments + i * BUMP);
        count(a, counts + 2 * (i + 1));
    }
}
